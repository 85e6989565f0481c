/** Declares what the File System Access API (WICG) adds to handles, in the browsers that have it. */

declare global {
  interface FileSystemHandle {
    queryPermission?(options: { mode: 'read' | 'readwrite' }): Promise<PermissionState>;
    requestPermission?(options: { mode: 'read' | 'readwrite' }): Promise<PermissionState>;
  }
}

export {};
