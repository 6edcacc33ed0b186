// The endpoints, as this node describes them. Nothing is validated, fetched or reported elsewhere.
SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#endpoints",
  docExpansion: "none",
  deepLinking: true,
  validatorUrl: null,
  displayRequestDuration: true,
  requestSnippetsEnabled: true,
});
