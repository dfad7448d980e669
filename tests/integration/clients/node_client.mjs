// The official JavaScript client (npm's @kubernetes/client-node) against `kpp server`: create, read, patch, watch, delete, errors.
// KPP_NODE_MODULES names the folder where it is installed. Ends with 77, and says why, where it cannot be used.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const program = process.env.KPP ?? join(here, '../../../build/release/bin/kpp');
const port = process.env.KPP_CLIENTS_PORT ?? '24081';
const namespace = 'default';

let k8s;
try {
  const modules = process.env.KPP_NODE_MODULES ?? join(here, 'node_modules');
  const found = createRequire(join(modules, 'here.js')).resolve(join(modules, '@kubernetes/client-node'));
  k8s = await import(pathToFileURL(found));
} catch (error) {
  const missing = error.code === 'MODULE_NOT_FOUND';
  const why = missing ? 'is not installed' : `cannot be loaded by Node ${process.version}: ${error.message}`;
  console.log(`skipped: @kubernetes/client-node ${why}`);
  process.exit(77);
}

let folder, server, ended, config, core;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kpp-node-client-'));
  server = spawn(program, ['server', '--data-dir', folder, '--secure-port', port], { stdio: 'ignore' });
  ended = new Promise((resolve) => server.on('exit', resolve));
  for (const end = Date.now() + 20000; ; await pause(100)) {
    try {
      config = new k8s.KubeConfig();
      config.loadFromFile(join(folder, 'admin.conf'));
      core = config.makeApiClient(k8s.CoreV1Api);
      await core.readNamespace({ name: namespace });
      return;
    } catch (error) {
      if (Date.now() > end || server.exitCode !== null) throw error;
    }
  }
});

after(async () => {
  server.kill();
  await ended;
  rmSync(folder, { recursive: true });
});

const create = (name, data) =>
  core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { test: name } }, data } });

async function refused(code, reason, asked) {
  await assert.rejects(asked, (error) => {
    assert.equal(error.code, code);
    assert.equal(JSON.parse(error.body).reason, reason);
    return true;
  });
}

test('an object is created, read, replaced, listed and deleted', async () => {
  const made = await create('crud', { a: '1' });
  assert.ok(made.metadata.uid);
  assert.deepEqual((await core.readNamespacedConfigMap({ name: 'crud', namespace })).data, { a: '1' });
  const body = { ...made, data: { a: '2' } };
  await core.replaceNamespacedConfigMap({ name: 'crud', namespace, body });
  const { items } = await core.listNamespacedConfigMap({ namespace, labelSelector: 'test=crud' });
  assert.deepEqual(items.map((item) => [item.metadata.name, item.data]), [['crud', { a: '2' }]]);
  await refused(409, 'Conflict', core.replaceNamespacedConfigMap({ name: 'crud', namespace, body }));
  assert.equal((await core.deleteNamespacedConfigMap({ name: 'crud', namespace })).status, 'Success');
  await refused(404, 'NotFound', core.readNamespacedConfigMap({ name: 'crud', namespace }));
});

test('patches of every kind change what they name', async () => {
  await create('patched', { a: '1', b: '2' });
  const patch = async (kind, body) => {
    const options = k8s.setHeaderOptions('Content-Type', kind);
    return (await core.patchNamespacedConfigMap({ name: 'patched', namespace, body }, options)).data;
  };
  const { JsonPatch, MergePatch, StrategicMergePatch } = k8s.PatchStrategy;
  assert.deepEqual(await patch(MergePatch, { data: { a: null, c: '3' } }), { b: '2', c: '3' });
  assert.deepEqual(await patch(StrategicMergePatch, { data: { b: '4' } }), { b: '4', c: '3' });
  assert.deepEqual(await patch(JsonPatch, [{ op: 'remove', path: '/data/c' }]), { b: '4' });
});

test('a watch tells each change in order', async () => {
  const { metadata } = await core.listNamespacedConfigMap({ namespace });
  await create('watched', { a: '1' });
  await core.deleteNamespacedConfigMap({ name: 'watched', namespace });
  const seen = [];
  await new Promise((resolve, reject) => {
    const query = { resourceVersion: metadata.resourceVersion, labelSelector: 'test=watched', timeoutSeconds: 10 };
    const told = (type) => {
      seen.push(type);
      if (type === 'DELETED') resolve();
    };
    new k8s.Watch(config).watch(`/api/v1/namespaces/${namespace}/configmaps`, query, told, reject)
      .then((watching) => after(() => watching.abort()), reject);
  });
  assert.deepEqual(seen, ['ADDED', 'DELETED']);
});

test('errors have reason and code', async () => {
  await create('twice', {});
  await refused(409, 'AlreadyExists', create('twice', {}));
  await refused(422, 'Invalid', create('Not_A_Name', {}));
});
