/** The events that wait to be delivered, in an SQLite database: they survive the end of this process, however it ends. */
import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { z } from 'zod';
import type { QueuedEvent } from './QueuedEvent.ts';

/** SQLite's result codes for a file that is no database, or a damaged one. */
const CORRUPT_CODES = [11, 26];
/** Raised when an older Weir cannot read the table. */
const TABLE = 'queue_1';

const Row = z.object({
  seq: z.int(),
  target: z.string(),
  id: z.string(),
  type: z.string(),
  room: z.string(),
  time: z.int(),
  body: z.string(),
});

/**
 * What is written in one turn of the event loop is one transaction, which is complete before anything that is awaited goes
 * on: somebody who has been told that they have joined is in the database.
 *
 * Nothing waits for the disk (`synchronous=OFF`): what has been handed to the operating system survives a process that is
 * killed. A power failure can take the last events, or damage the file: a new one takes its place then.
 */
export class WebhookStore {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #onFailure: (error: unknown) => void;
  #inTransaction = false;
  #closed = false;

  /** @param onFailure called when a transaction could not be completed: none of it is stored */
  private constructor(database: DatabaseSync, onFailure: (error: unknown) => void) {
    this.#database = database;
    this.#onFailure = onFailure;
    this.#insert = database.prepare(
      `INSERT INTO ${TABLE} (seq, target, id, type, room, time, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#delete = database.prepare(`DELETE FROM ${TABLE} WHERE seq = ?`);
  }

  /**
   * Opens the database, or creates it. Only one process at a time can.
   * @returns it, and where a damaged file has been moved to that it takes the place of
   * @throws {Error} when it cannot be written, or another process has it
   */
  static open(path: string, onFailure: (error: unknown) => void): { store: WebhookStore; movedTo: string | undefined } {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    try {
      return { store: new WebhookStore(openDatabase(path), onFailure), movedTo: undefined };
    } catch (error) {
      if (!isCorrupt(error)) throw error;
    }
    const movedTo = `${path}.damaged-${Date.now()}`;
    renameSync(path, movedTo);
    // SQLite would put what is in these into the new file.
    for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
    return { store: new WebhookStore(openDatabase(path), onFailure), movedTo };
  }

  /** All events, oldest first. @throws {Error} when the file is damaged */
  load(): QueuedEvent[] {
    const rows = z.array(Row).parse(this.#database.prepare(`SELECT * FROM ${TABLE} ORDER BY seq`).all());
    return rows.map((row) => ({ ...row, bytes: Buffer.byteLength(row.body) }));
  }

  /** @throws {Error} when it cannot be stored */
  add({ seq, target, id, type, room, time, body }: QueuedEvent): void {
    this.#begin();
    this.#insert.run(seq, target, id, type, room, time, body);
  }

  /** @throws {Error} when it cannot be removed */
  remove({ seq }: Pick<QueuedEvent, 'seq'>): void {
    this.#begin();
    this.#delete.run(seq);
  }

  /** Stores these events and no others. @throws {Error} when they cannot be stored */
  replaceAll(events: readonly QueuedEvent[]): void {
    this.#begin();
    this.#database.exec(`DELETE FROM ${TABLE}`);
    for (const event of events) this.add(event);
  }

  /** Completes what has been written; idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#commit();
    this.#closed = true;
    this.#database.close();
  }

  /** Closes it without what has been written in this turn: it has failed. */
  abandon(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#database.close();
  }

  #begin(): void {
    if (this.#inTransaction) return;
    this.#database.exec('BEGIN');
    this.#inTransaction = true;
    queueMicrotask(() => this.#commit());
  }

  #commit(): void {
    if (!this.#inTransaction || this.#closed) return;
    this.#inTransaction = false;
    try {
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#onFailure(error);
    }
  }
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    // The bodies have names and metadata of people.
    chmodSync(path, 0o600);
    // Held until the process ends. SQLite would wait for nobody.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = OFF');
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${TABLE} (seq INTEGER PRIMARY KEY, target TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, room TEXT NOT NULL, time INTEGER NOT NULL, body TEXT NOT NULL) STRICT`,
    );
    const [check] = database.prepare('PRAGMA quick_check(1)').all();
    if (check?.quick_check !== 'ok') throw new DamagedError(String(check?.quick_check));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The file is a database, and not all of it can be read. */
class DamagedError extends Error {
  override readonly name = 'DamagedError';
}

function isCorrupt(error: unknown): boolean {
  if (error instanceof DamagedError) return true;
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    // The lowest byte; those above it say more.
    CORRUPT_CODES.includes(error.errcode & 0xff)
  );
}
