/** The error of `npm run publish` whose message is for whoever runs it. */

export class PublishError extends Error {
  override readonly name = 'PublishError';
}
