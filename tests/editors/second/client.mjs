// One session of a language client that shares no line with ours: the library that VS Code's own clients are built on.
//
// It starts the server, asks for an action, runs it, and lets the library apply the edit. It prints what it saw, as
// JSON on one line; whatever the library complains of is among that.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import {
  ApplyWorkspaceEditRequest,
  CancellationTokenSource,
  CodeActionRequest,
  ConfigurationRequest,
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExecuteCommandRequest,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  LogMessageNotification,
  RegistrationRequest,
  ShowMessageNotification,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  WorkDoneProgress,
  WorkDoneProgressCancelNotification,
  WorkDoneProgressCreateRequest,
} from 'vscode-languageserver-protocol/node';
import { TextDocument } from 'vscode-languageserver-textdocument';

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const seen = { problems: [], progress: [], edits: [], messages: [], errors: {} };
const complain = (...words) => seen.problems.push(words.map(String).join(' '));

const server = spawn(plan.command[0], plan.command.slice(1), { env: plan.env, stdio: ['pipe', 'pipe', 'inherit'] });
const exited = new Promise((resolve) => server.once('exit', resolve));
const logger = { error: complain, warn: complain, info: complain, log: complain };
const reader = new StreamMessageReader(server.stdout);
const connection = createProtocolConnection(reader, new StreamMessageWriter(server.stdin), logger);
connection.onError(([error]) => complain('error', error));
connection.onUnhandledNotification((message) => complain('unhandled', message.method));

let document = TextDocument.create(plan.uri, 'python', 1, plan.text);

function apply(edit) {
  for (const change of edit.documentChanges) {
    if (change.textDocument.uri !== document.uri || change.textDocument.version !== document.version) {
      return { applied: false, failureReason: 'another version' };
    }
    const text = TextDocument.applyEdits(document, change.edits);
    const changes = [{ text }];
    document = TextDocument.update(document, changes, document.version + 1);
    const textDocument = { uri: document.uri, version: document.version };
    connection.sendNotification(DidChangeTextDocumentNotification.type, { textDocument, contentChanges: changes });
  }
  return { applied: true };
}

const ended = new Promise((resolve) => {
  connection.onRequest(WorkDoneProgressCreateRequest.type, ({ token }) => {
    connection.onProgress(WorkDoneProgress.type, token, (value) => {
      seen.progress.push(value);
      if (plan.cancel && value.message?.startsWith(plan.cancel)) {
        connection.sendNotification(WorkDoneProgressCancelNotification.type, { token });
      }
      if (value.kind === 'end') resolve(value.message);
    });
  });
});
connection.onRequest(ApplyWorkspaceEditRequest.type, (params) => {
  seen.edits.push(params);
  return apply(params.edit);
});
connection.onRequest(ConfigurationRequest.type, ({ items }) => items.map(() => null));
connection.onRequest(RegistrationRequest.type, () => undefined);
connection.onNotification(ShowMessageNotification.type, (params) => seen.messages.push(params));
connection.onNotification(LogMessageNotification.type, () => undefined);
connection.listen();

async function refused(name, request) {
  try {
    await request;
    seen.errors[name] = null;
  } catch (error) {
    seen.errors[name] = { code: error.code, message: error.message };
  }
}

const hello = { processId: process.pid, rootUri: null, workspaceFolders: null, capabilities: plan.capabilities };
seen.initialized = await connection.sendRequest(InitializeRequest.type, hello);
connection.sendNotification(InitializedNotification.type, {});
const { uri, languageId, version } = document;
const opened = { uri, languageId, version, text: document.getText() };
connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument: opened });

const position = { line: plan.line, character: 0 };
const place = { textDocument: { uri }, range: { start: position, end: position }, context: { diagnostics: [] } };
const actions = await connection.sendRequest(CodeActionRequest.type, place);
seen.titles = actions.map((action) => action.title);
const { command, arguments: given } = actions.find((action) => action.title.startsWith(plan.action)).command;
seen.answer = await connection.sendRequest(ExecuteCommandRequest.type, { command, arguments: given });
seen.ended = await ended;
seen.text = document.getText();

const old = [{ ...given[0], version: 0 }];
await refused('stale', connection.sendRequest(ExecuteCommandRequest.type, { command, arguments: old }));
await refused('unknown command', connection.sendRequest(ExecuteCommandRequest.type, { command: 'rm' }));
await refused('unknown method', connection.sendRequest('textDocument/nothing', {}));
const cancelled = new CancellationTokenSource();
const late = connection.sendRequest(CodeActionRequest.type, place, cancelled.token);
cancelled.cancel();
await refused('cancelled', late);
seen.alive = (await connection.sendRequest(CodeActionRequest.type, place)).length > 0;
seen.shutdown = await connection.sendRequest(ShutdownRequest.type);
await connection.sendNotification(ExitNotification.type);
seen.exit = await exited;
connection.dispose();
console.log(JSON.stringify(seen));
