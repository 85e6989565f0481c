/** Owns one setting: zod generates no code. It must be made before any schema is, so this module is imported first. */
import { z } from 'zod';

// A strict Content-Security-Policy refuses generated code, and every attempt is reported in the console.
z.config({ jitless: true });
