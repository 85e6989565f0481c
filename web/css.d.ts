/** Style sheets that a module imports: the build loads them with it. */
declare module '*.css';
