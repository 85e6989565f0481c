/** Turns off code generation in zod. It must run before any schema is created, so this module is imported first. */
import { z } from 'zod';

// A strict Content-Security-Policy refuses generated code, and every attempt is reported in the console.
z.config({ jitless: true });
