// Shows HTML that a model wrote, inside a document that has an origin of its own. The frame in it inherits this
// document's policy (no network), and has no scripts unless the message asks for them.
addEventListener("message", (message) => {
  if (message.source !== parent || typeof message.data?.html !== "string") return;
  const frame = document.createElement("iframe");
  frame.title = "What the model made";
  frame.setAttribute("sandbox", message.data.scripts === true ? "allow-scripts" : "");
  frame.srcdoc = message.data.html;
  document.body.replaceChildren(frame);
});
