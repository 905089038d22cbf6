/** Where backups are kept. Objects are small enough to be held in memory; a key names one for good. */
export type ObjectStore = {
  /** Repeated, it leaves what the last one brought. */
  put(key: string, body: Uint8Array<ArrayBuffer>): Promise<void>;
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** So many bytes from there on; fewer at the end, none behind it. */
  getRange(
    key: string,
    offset: number,
    length: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Keys that begin so, in order. */
  list(prefix: string): Promise<string[]>;
  /** Everything whose key begins so. Nothing there is fine. */
  deleteAll(prefix: string): Promise<void>;
};
