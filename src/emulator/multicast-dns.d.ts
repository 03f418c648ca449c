/** The part of multicast-dns 7 that is used here; the package brings no types. */
declare module 'multicast-dns' {
  import type { EventEmitter } from 'node:events';
  import type { RemoteInfo } from 'node:dgram';

  interface DnsRecord {
    readonly name: string;
    readonly type: 'A' | 'PTR' | 'SRV' | 'TXT';
    readonly ttl: number;
    readonly flush?: boolean;
    readonly data: string | readonly string[] | { readonly port: number; readonly target: string };
  }
  interface DnsQuestion {
    readonly name: string;
    readonly type: string;
  }
  interface DnsPacket {
    readonly id?: number;
    readonly questions?: readonly DnsQuestion[];
    readonly answers?: readonly DnsRecord[];
    readonly additionals?: readonly DnsRecord[];
  }
  interface MulticastDns extends EventEmitter {
    on(event: 'query' | 'response', listener: (packet: DnsPacket, from: RemoteInfo) => void): this;
    on(event: 'error' | 'warning', listener: (error: Error) => void): this;
    on(event: 'ready', listener: () => void): this;
    respond(packet: DnsPacket, to: { address: string; port: number } | null, done: (error?: Error | null) => void): void;
    query(packet: DnsPacket): void;
    destroy(done: () => void): void;
  }
  function multicastDns(options: { interface?: string; bind?: string; loopback?: boolean; reuseAddr?: boolean; port?: number }): MulticastDns;
  export default multicastDns;
  export type { DnsPacket, DnsQuestion, DnsRecord, MulticastDns };
}
