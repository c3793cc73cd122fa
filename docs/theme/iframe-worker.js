/* A browser starts no worker for a page on disk: the worker of the search then runs in a hidden frame. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.body.appendChild(document.createElement("iframe"));
      frame.hidden = true;
      this.inside = frame.contentWindow;
      window.addEventListener("message", event => {
        if (event.source !== this.inside) return;
        this.dispatchEvent(new MessageEvent("message", { data: event.data }));
      });
      const page = this.inside.document;
      page.open();
      page.write("<script>postMessage = data => parent.postMessage(data, '*')<\/script>");
      page.write(`<script src="${url}"><\/script>`);
      this.loaded = new Promise(resolve => this.inside.addEventListener("load", resolve));
      page.close();
    }
    postMessage(data) {
      this.loaded.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data, source: window })));
    }
  };
}
