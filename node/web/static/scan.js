// Reads the text of a QR code with the camera: scan(video, decoder, signal) resolves to it, and to null when stopped.
//
// - decoder: the address of jsQR, which is fetched only by a browser that can't read such codes by itself
// - pictures never leave this page, and the camera is off as soon as a code was read, or nobody sees the page
"use strict";

const scan = (() => {
  const PAUSE = 100; // milliseconds between two looks
  const WANTED = { video: { facingMode: "environment", width: { ideal: 1280 } } };

  function fetched(address) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      Object.assign(script, { src: address, onload: resolve, onerror: () => reject(new Error("no decoder")) });
      document.head.append(script);
    });
  }

  // What finds the text of a code in a video's picture, if there is one.
  async function reader(decoder) {
    if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      return async (video) => (await detector.detect(video))[0]?.rawValue;
    }
    if (!window.jsQR) await fetched(decoder);
    const canvas = document.createElement("canvas"), drawing = canvas.getContext("2d", { willReadFrequently: true });
    return async (video) => {
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      drawing.drawImage(video, 0, 0);
      const { data, width, height } = drawing.getImageData(0, 0, canvas.width, canvas.height);
      return jsQR(data, width, height, { inversionAttempts: "dontInvert" })?.data;
    };
  }

  return async (video, decoder, signal) => {
    const stream = await navigator.mediaDevices.getUserMedia(WANTED);
    try {
      const read = await reader(decoder);
      video.srcObject = stream;
      await video.play();
      while (!signal.aborted && !document.hidden) {
        const text = await read(video);
        if (text) return text;
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
      return null;
    } finally {
      for (const track of stream.getTracks()) track.stop();
      video.srcObject = null;
    }
  };
})();
