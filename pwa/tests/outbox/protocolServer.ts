/// <reference types="node" />
/**
 * The server's side of PROTOCOL.md §2–§5 for these tests, on a real socket, so that it can misbehave on the wire. It
 * really opens what it is sent; `make test` and the fault tests run the same outbox against the real server.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as ed25519 from '@noble/ed25519';
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';

/** What happens to one request; null: nothing. `cut` ends the request after so many bytes of its body. */
export type Fault =
  'portal' | 'bad_gateway' | 'lost_answer' | 'duplicate' | 'forged' | 'unauthorized' | { cut: number } | null;

interface Held {
  envelope: Buffer;
  digest: string;
  seq: number;
  opened: unknown;
  media: {
    sha256: string;
    size: number;
    bytes: Buffer;
    state: 'expected' | 'opened' | 'unopenable';
    content: Buffer | null;
  }[];
}

interface Signing {
  id: string;
  secret: string;
  public: string;
  previous: string | null;
  signature: string | null;
}

/** All that a server needs to open and sign for what an earlier one was sent. */
export interface ServerSecrets {
  identities: Record<'intake' | 'identity' | 'notice', { secret: string; recipient: string }>;
  chain: Signing[];
}

interface Reply {
  status: number;
  headers?: Record<string, string>;
  json?: unknown;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export class ProtocolServer {
  readonly held = new Map<string, Held>();
  readonly requests: { method: string; path: string; size: number; headers: IncomingMessage['headers'] }[] = [];
  fault: (method: string, path: string) => Fault = () => null;
  /** Bodies for which the server has only refusals. */
  refuses = (_id: string): string | null => null;
  /** False: the worker that opens things is down. */
  worker = true;
  /** Wanted for what is not a tip; null: anything goes. */
  token: string | null = null;
  base = '';
  readonly #chain: {
    id: string;
    secret: Uint8Array;
    public: Uint8Array;
    previous: string | null;
    signature: string | null;
  }[] = [];
  #identities: Record<'intake' | 'identity' | 'notice', { secret: string; recipient: string }> | null = null;
  #seq = 0;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  async start(): Promise<this> {
    const pair = async () => {
      const secret = await generateX25519Identity();
      return { secret, recipient: await identityToRecipient(secret) };
    };
    this.#identities = { intake: await pair(), identity: await pair(), notice: await pair() };
    await this.rotate();
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.base = `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}/api/v1`;
    return this;
  }

  secrets(): ServerSecrets {
    if (this.#identities === null) throw new Error('not started');
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    const chain = this.#chain.map((one) => ({ ...one, secret: text(one.secret), public: text(one.public) }));
    return { identities: this.#identities, chain };
  }

  /** Takes the place of an earlier server. */
  succeed({ identities, chain }: ServerSecrets): void {
    this.#identities = identities;
    const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
    const keys = chain.map((one) => ({ ...one, secret: bytes(one.secret), public: bytes(one.public) }));
    this.#chain.splice(0, this.#chain.length, ...keys);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Appends a signing key; `vouched: false` leaves out the signature of the one before. */
  async rotate(vouched = true): Promise<void> {
    const { secretKey, publicKey } = await ed25519.keygenAsync();
    const elder = this.#chain.at(-1);
    const signature =
      elder && vouched ? Buffer.from(await ed25519.signAsync(publicKey, elder.secret)).toString('base64') : null;
    const previous = elder && vouched ? elder.id : null;
    this.#chain.push({ id: sha256(publicKey).slice(0, 16), secret: secretKey, public: publicKey, previous, signature });
  }

  keys(): unknown {
    const ids = this.#identities;
    if (ids === null) throw new Error('not started');
    const sealing = (name: keyof typeof ids) => ({ id: name, recipient: ids[name].recipient });
    return {
      intake: sealing('intake'),
      identity: sealing('identity'),
      notice: sealing('notice'),
      signing: this.#chain.map(({ id, public: key, previous, signature }) => ({
        id,
        public: Buffer.from(key).toString('base64'),
        previous,
        signature,
      })),
    };
  }

  async open(sealed: Uint8Array, to: 'intake' | 'identity' | 'notice' = 'intake'): Promise<Buffer> {
    const decrypter = new Decrypter();
    decrypter.addIdentity(this.#identities?.[to].secret ?? '');
    return Buffer.from(await decrypter.decrypt(sealed));
  }

  async verdict(id: string, state?: string, more: Record<string, unknown> = {}): Promise<unknown> {
    const held = this.held.get(id);
    const complete = held?.opened !== null && held?.media.every((medium) => medium.state === 'opened') === true;
    const payload = Buffer.from(
      JSON.stringify({
        id,
        digest: held?.digest ?? '',
        state: state ?? (held ? (complete ? 'complete' : 'accepted') : 'unknown'),
        seq: held?.seq ?? null,
        number: held?.opened ? `N-${String(held.seq)}` : null,
        received_at: held ? '2026-11-23T00:00:00.000Z' : null,
        time: '2026-11-23T00:00:00.000Z',
        reason: held?.media.some((medium) => medium.state === 'unopenable') ? 'unopenable' : null,
        media: (held?.media ?? []).map(({ sha256: hash, state: now, bytes }) => ({
          sha256: hash,
          state: now,
          offset: bytes.length,
        })),
        proof: null,
        ...more,
      }),
    );
    const key = this.#chain.at(-1);
    if (!key) throw new Error('not started');
    const signature = Buffer.from(await ed25519.signAsync(payload, key.secret)).toString('base64');
    return { payload: payload.toString('base64'), signature, key: key.id };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const path = (request.url ?? '').replace('/api/v1', '');
    const method = request.method ?? '';
    const fault = this.fault(method, path);
    const parts: Buffer[] = [];
    let size = 0;
    const limit = typeof fault === 'object' && fault !== null ? fault.cut : Infinity;
    try {
      for await (const part of request as AsyncIterable<Buffer>) {
        parts.push(part);
        size += part.length;
        if (size >= limit) break;
      }
    } catch {
      return; // the client went away
    }
    const body = Buffer.concat(parts).subarray(0, limit);
    this.requests.push({ method, path, size: body.length, headers: request.headers });
    if (fault === 'portal')
      return void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Welcome, please pay</h1>');
    if (fault === 'bad_gateway') return void response.writeHead(502).end('bad gateway');
    if (fault === 'unauthorized') return void response.writeHead(401).end('{}');
    const cut = limit !== Infinity;
    // Only uploads keep what came of a body that was cut short; anything else is not even looked at.
    if (cut && method !== 'PATCH' && path !== '/uploads') return void socket.destroy();
    let reply = await this.#reply(method, path, request, body);
    if (fault === 'duplicate') reply = await this.#reply(method, path, request, body);
    if (fault === 'lost_answer' || cut) return void socket.destroy();
    if (fault === 'forged') reply = { ...reply, json: forged(reply.json) };
    response.writeHead(reply.status, {
      'Content-Type': 'application/json',
      'Tus-Resumable': '1.0.0',
      ...reply.headers,
    });
    response.end(method === 'HEAD' || reply.json === undefined ? undefined : JSON.stringify(reply.json));
  }

  async #reply(method: string, path: string, request: IncomingMessage, body: Buffer): Promise<Reply> {
    if (path === '/keys') return { status: 200, json: this.keys() };
    if (path === '/submissions/status') {
      const { ids } = JSON.parse(body.toString()) as { ids: string[] };
      for (const id of ids) await this.#work(id);
      return { status: 200, json: { verdicts: await Promise.all(ids.map((id) => this.verdict(id))) } };
    }
    if (method === 'PUT') return await this.#put(path.split('/').at(-1) ?? '', request, body);
    if (method === 'POST' && path === '/uploads') return this.#create(request, body);
    const [, , id = '', hash = ''] = path.split('/');
    const medium = this.held.get(id)?.media.find((one) => one.sha256 === hash);
    if (!medium) return { status: 404 };
    if (method === 'PATCH') {
      if (Number(request.headers['upload-offset']) !== medium.bytes.length) {
        return { status: 409, headers: { 'Upload-Offset': String(medium.bytes.length) } };
      }
      medium.bytes = Buffer.concat([medium.bytes, body]);
    }
    return { status: method === 'PATCH' ? 204 : 200, headers: { 'Upload-Offset': String(medium.bytes.length) } };
  }

  async #put(id: string, request: IncomingMessage, body: Buffer): Promise<Reply> {
    const envelope = JSON.parse(body.toString()) as { kind: string; media: { sha256: string; size: number }[] };
    const bearer = request.headers.authorization?.replace('Bearer ', '') ?? null;
    if (envelope.kind !== 'tip' && this.token !== null && bearer !== this.token) return { status: 401, json: {} };
    const digest = sha256(body);
    if (request.headers['content-digest'] !== `sha-256=:${Buffer.from(digest, 'hex').toString('base64')}:`)
      return { status: 400, json: {} };
    const refusal = this.refuses(id);
    if (refusal !== null) return { status: 422, json: await this.verdict(id, 'refused', { digest, reason: refusal }) };
    const before = this.held.get(id);
    if (before && before.digest !== digest) {
      return { status: 409, json: await this.verdict(id, 'differs', { digest, held_digest: before.digest }) };
    }
    if (!before) {
      const media = envelope.media.map((line) => ({
        ...line,
        bytes: Buffer.alloc(0),
        state: 'expected' as const,
        content: null,
      }));
      this.held.set(id, { envelope: body, digest, seq: ++this.#seq, opened: null, media });
    }
    return { status: before ? 200 : 201, json: await this.verdict(id) };
  }

  #create(request: IncomingMessage, body: Buffer): Reply {
    const metadata = new Map(
      String(request.headers['upload-metadata'])
        .split(',')
        .map((pair) => {
          const [name = '', value = ''] = pair.split(' ');
          return [name, Buffer.from(value, 'base64').toString()] as const;
        }),
    );
    const id = metadata.get('submission') ?? '';
    const hash = metadata.get('sha256') ?? '';
    const medium = this.held
      .get(id)
      ?.media.find((one) => one.sha256 === hash && one.size === Number(request.headers['upload-length']));
    if (!medium) return { status: 404, json: {} };
    if (medium.bytes.length === 0) medium.bytes = body;
    // Another host in Location, as behind a proxy that does not tell its name: a phone must not follow it there.
    const location = `http://internal.invalid/api/v1/uploads/${id}/${hash}`;
    return { status: 201, headers: { Location: location, 'Upload-Offset': String(medium.bytes.length) } };
  }

  /** What the worker does: verify, open. */
  async #work(id: string): Promise<void> {
    const held = this.held.get(id);
    if (!held || !this.worker) return;
    const { body } = JSON.parse(held.envelope.toString()) as { body: string };
    held.opened = JSON.parse((await this.open(Buffer.from(body, 'base64'))).toString());
    for (const medium of held.media) {
      if (medium.state !== 'expected' || medium.bytes.length < medium.size) continue;
      if (sha256(medium.bytes) !== medium.sha256) medium.bytes = Buffer.alloc(0);
      else {
        medium.content = await this.open(medium.bytes).catch(() => null);
        medium.state = medium.content === null ? 'unopenable' : 'opened';
      }
    }
  }
}

/** A verdict that says `complete`, under a signature that was made over something else. */
function forged(answer: unknown): unknown {
  const one = (signed: { payload: string }) => {
    const payload = JSON.parse(Buffer.from(signed.payload, 'base64').toString()) as { state: string };
    payload.state = 'complete';
    return { ...signed, payload: Buffer.from(JSON.stringify(payload)).toString('base64') };
  };
  const many = (answer as { verdicts?: { payload: string }[] } | undefined)?.verdicts;
  if (many) return { verdicts: many.map(one) };
  return typeof (answer as { payload?: string } | undefined)?.payload === 'string'
    ? one(answer as { payload: string })
    : answer;
}
