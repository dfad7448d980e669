"""A registry for tests: plain HTTP, images from an OCI archive, and names that answer with errors.

    registry.py PORT ARCHIVE [challenge]

`busybox` (`1`, `latest`) and `fresh:1` are the archive's localhost/busybox:1, each under a config of its own; `slow:1` is an image
of one layer whose command cannot be executed; `nope` is unknown, `private` wants a password (user:password opens it), `broken`
fails. With `challenge` it asks whoever greets it for a password: Docker signs on to no other. Python's standard library
alone.
"""
import base64
import gzip
import hashlib
import http.server
import io
import json
import re
import sys
import tarfile

MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
CONFIG = 'application/vnd.docker.container.image.v1+json'


def digest(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


class Store:
    """Blobs by digest, manifests by (repository, tag or digest)."""

    def __init__(self):
        self.blobs, self.manifests = {}, {}

    def add(self, repository, tags, config, layers):
        data = json.dumps(config).encode()
        self.blobs[digest(data)] = data
        described = []
        for layer in layers:
            packed = gzip.compress(layer, mtime=0)
            self.blobs[digest(packed)] = packed
            described.append({'mediaType': LAYER, 'size': len(packed), 'digest': digest(packed)})
        manifest = json.dumps({'schemaVersion': 2, 'mediaType': MANIFEST, 'layers': described,
                               'config': {'mediaType': CONFIG, 'size': len(data), 'digest': digest(data)}}).encode()
        for tag in [*tags, digest(manifest)]:
            self.manifests[repository, tag] = manifest


def read_image(archive, name):
    """(config, layers) of an image of an OCI archive."""
    with tarfile.open(archive) as tar:
        def blob(of):
            return tar.extractfile('blobs/' + of.replace(':', '/')).read()
        index = json.load(tar.extractfile('index.json'))
        entry = next(m for m in index['manifests'] if name in (m.get('annotations') or {}).values())
        manifest = json.loads(blob(entry['digest']))
        return json.loads(blob(manifest['config']['digest'])), [blob(layer['digest']) for layer in manifest['layers']]


def fill(archive):
    store = Store()
    config, layers = read_image(archive, 'localhost/busybox:1')
    for repository, tags in (('busybox', ['1']), ('busybox', ['latest']), ('fresh', ['1']), ('private', ['1'])):
        own = dict(config, author=f'{repository}:{tags[0]}')
        store.add(repository, tags, own, layers)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode='w') as tar:
        big = tarfile.TarInfo('big')
        big.size, big.mode = 2000000, 0o644
        tar.addfile(big, io.BytesIO(b'\0' * big.size))
    layer = packed.getvalue()
    store.add('slow', ['1'], {'architecture': config['architecture'], 'os': 'linux', 'config': {'Cmd': ['/big']},
                              'rootfs': {'type': 'layers', 'diff_ids': [digest(layer)]}}, [layer])
    return store


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    store = None
    challenge = False

    def log_message(self, *words):
        pass

    def answer(self, code, body=b'', headers=None):
        self.send_response(code)
        for name, value in {'Content-Length': str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def do_GET(self):
        wanted = 'Basic ' + base64.b64encode(b'user:password').decode()
        if self.path == '/v2/' and self.challenge and self.headers.get('Authorization') != wanted:
            return self.answer(401, b'', {'WWW-Authenticate': 'Basic realm="test"'})
        if self.path == '/v2/':
            return self.answer(200, b'{}')
        found = re.fullmatch(r'/v2/([a-z/]+)/(manifests|blobs)/(.+)', self.path)
        if not found:
            return self.answer(404)
        repository, kind, reference = found.groups()
        if repository == 'broken':
            return self.answer(500)
        if repository == 'private' and self.headers.get('Authorization') != wanted:
            return self.answer(401, b'', {'WWW-Authenticate': 'Basic realm="test"'})
        data = self.store.blobs.get(reference) if kind == 'blobs' else self.store.manifests.get((repository, reference))
        if data is None:
            what = 'BLOB_UNKNOWN' if kind == 'blobs' else 'MANIFEST_UNKNOWN'
            return self.answer(404, json.dumps({'errors': [{'code': what}]}).encode())
        return self.answer(200, data, {'Content-Type': MANIFEST if kind == 'manifests' else 'application/octet-stream',
                                       'Docker-Content-Digest': digest(data)})

    do_HEAD = do_GET


if __name__ == '__main__':
    Handler.store = fill(sys.argv[2])
    Handler.challenge = 'challenge' in sys.argv[3:]
    http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
