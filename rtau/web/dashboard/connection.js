// The socket to the run: opened again and again until the page is closed.

const FIRST_PAUSE_MS = 400, LONGEST_PAUSE_MS = 4000;

export class Connection {
  // `receive` takes each message as an object, or a Blob; `change` takes "live", "lost" or "ended".
  constructor(receive, change) {
    this.receive = receive;
    this.change = change;
    this.pauseMs = FIRST_PAUSE_MS;
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/stream${location.search}`);
    let ended = false;
    socket.onopen = () => {
      this.pauseMs = FIRST_PAUSE_MS;
      this.change("live");
    };
    socket.onmessage = (event) => {
      if (typeof event.data !== "string") return this.receive(event.data);
      const message = JSON.parse(event.data);
      ended ||= message.type === "end";
      this.receive(message);
    };
    socket.onclose = () => {
      this.change(ended ? "ended" : "lost");
      setTimeout(() => this.open(), this.pauseMs);
      this.pauseMs = Math.min(1.6 * this.pauseMs, LONGEST_PAUSE_MS);
    };
    this.socket = socket;
  }

  send(command, value = "") {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify({ command, value }));
    return true;
  }
}
