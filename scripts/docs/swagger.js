// Boots Swagger UI on its page. A file of its own, because the page's policy runs no inline script.
const ui = document.getElementById("ui");
window.SwaggerUIBundle({
  url: ui.dataset.document,
  domNode: ui,
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  // The badge would send the address of the document to a server of theirs.
  validatorUrl: null,
});
