// A client of the TypeScript SDK: connects, lists the tools, calls one, and prints what it saw as JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [kind, url, authorization, tool, args] = process.argv.slice(2);
const Transport = kind === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
const headers = authorization ? { Authorization: authorization } : {};
const client = new Client({ name: "typescript-sdk", version: "1" });
try {
  await client.connect(new Transport(new URL(url), { requestInit: { headers } }));
  const { tools } = await client.listTools();
  const result = await client.callTool({ name: tool, arguments: JSON.parse(args) });
  console.log(JSON.stringify({ server: client.getServerVersion(), tools: tools.map(({ name }) => name), result }));
  await client.close();
} catch (error) {
  console.log(JSON.stringify({ error: String(error), status: error.code ?? null }));
}
process.exit(0);
