// "--max-drop" is searched as "max" and "drop" together. The theme would read "-" as "without the word that follows".
const together = (query) =>
  query.replace(/(?<!\S)(?=\S*-)[\w-]+/g, (word) => word.split("-").filter(Boolean).map((part) => `+${part}*`).join(" "));

const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...others) {
  // The theme's message to its search; 2 is the type of a query.
  const isQuery = message?.type === 2 && typeof message.data === "string";
  return post.call(this, isQuery ? { ...message, data: together(message.data) } : message, ...others);
};
