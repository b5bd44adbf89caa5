// The camera: a live view, and one frame of it as a file.

const SENTENCES = {
  NotAllowedError: "The browser does not allow the camera. Allow it in the settings of this page, then try again.",
  NotFoundError: "This device has no camera.",
  NotReadableError: "The camera is in use by another program.",
};
const JPEG_QUALITY = 0.95;

const dialog = document.getElementById("camera");
const video = dialog.querySelector("video");
const error = dialog.querySelector(".error");
const capture = document.getElementById("capture");

/** onFile: called with each captured frame. The button stays hidden where there is no camera to ask for. */
export function setUpCamera(button, hint, onFile) {
  button.hidden = !navigator.mediaDevices?.getUserMedia;
  hint.hidden = window.isSecureContext;
  button.addEventListener("click", open);
  document.getElementById("close-camera").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", stop);
  addEventListener("pagehide", () => dialog.close());
  video.addEventListener("loadeddata", () => { capture.disabled = false; });
  capture.addEventListener("click", async () => {
    const file = await frame();
    dialog.close();
    onFile(file);
  });
}

async function open() {
  error.hidden = true;
  capture.disabled = true;
  dialog.showModal();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    video.srcObject = stream;
    if (!dialog.open) stop();
  } catch (reason) {
    error.textContent = SENTENCES[reason.name] ?? "The camera cannot be opened.";
    error.hidden = false;
  }
}

function stop() {
  video.srcObject?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
}

async function frame() {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", JPEG_QUALITY));
  return new File([blob], "camera.jpg", { type: blob.type });
}
