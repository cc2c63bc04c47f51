// @ts-check
/**
 * Watches everything that a worker (or a page) sends and receives, so that a person can be told.
 *
 * Each request is told once, when its answer begins; each message of a WebSocket when it leaves or
 * arrives.
 */

/**
 * @typedef {object} Traffic
 * @property {"fetch" | "socket"} way
 * @property {string} host Name and port of the other side.
 * @property {string} what What it is about: the last part of the address or of the message's type.
 * @property {number} sent Bytes of content, without the protocol's own headers.
 * @property {number} received
 */

/** How much of a message is looked at for its type. */
const head = 400;
const typed = /model-centric\/([a-z-]+)|"type"\s*:\s*"([a-z-]+)"/;

/** @param {(entry: Traffic) => void} tell */
export function watchTraffic(tell) {
  watchFetch(tell);
  if ("WebSocket" in self) watchSockets(tell);
}

/** @param {(entry: Traffic) => void} tell */
function watchFetch(tell) {
  const native = self.fetch;
  self.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, self.location.href);
    const entry = {
      way: /** @type {"fetch"} */ ("fetch"),
      host: url.host,
      what: url.pathname.split("/").at(-1) ?? "",
      sent: bytesOf(init?.body) + (init?.method === "HEAD" ? 0 : url.search.length),
      received: 0,
    };
    /** @type {Response} */
    let response;
    try {
      response = await native.call(self, input, init);
    } catch (error) {
      tell(entry);
      throw error;
    }
    // 0 where the other side does not say it beforehand: counting would mean to hold every byte.
    tell({ ...entry, received: Number(response.headers.get("Content-Length")) || 0 });
    return response;
  };
}

/** @param {(entry: Traffic) => void} tell */
function watchSockets(tell) {
  const Native = self.WebSocket;
  self.WebSocket = class extends Native {
    /**
     * @param {string | URL} url
     * @param {string | string[]} [protocols]
     */
    constructor(url, protocols) {
      super(url, protocols);
      this.addEventListener("message", ({ data }) => this.told(data, 0, bytesOf(data)));
      /** What the last message was about: an answer, or a further part, need not say it again. */
      this.about = "message";
    }

    /** @param {string | ArrayBufferLike | Blob | ArrayBufferView} data */
    send(data) {
      super.send(/** @type {any} */ (data));
      this.told(data, bytesOf(data), 0);
    }

    /**
     * @param {unknown} data
     * @param {number} sent
     * @param {number} received
     */
    told(data, sent, received) {
      this.about = aboutOf(data) ?? this.about;
      tell({ way: "socket", host: new URL(this.url).host, what: this.about, sent, received });
    }
  };
}

/**
 * What a message says that it is about; both texts and msgpack hold the type as it is.
 *
 * @param {unknown} data
 */
function aboutOf(data) {
  let text = "";
  if (typeof data === "string") text = data.length > 2 * head ? data.slice(0, head) + data.slice(-head) : data;
  else if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) {
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    const decoder = new TextDecoder("latin1");
    text = decoder.decode(bytes.slice(0, head)) + decoder.decode(bytes.slice(-head));
  }
  const found = typed.exec(text);
  return found ? (found[1] ?? found[2]) : null;
}

/** @param {unknown} body */
function bytesOf(body) {
  if (typeof body === "string") {
    // Texts of the protocol are ASCII; measuring a large one exactly would copy it.
    return body.length > 1e5 ? body.length : new TextEncoder().encode(body).byteLength;
  }
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength;
  if (body instanceof Blob) return body.size;
  return 0;
}
