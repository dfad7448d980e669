"""exec, attach, port-forward and cp: streams between a real kubectl and a container, by each protocol that it speaks."""
import hashlib
import http.client
import os
import re
import select
import subprocess

from cluster import RUNTIME, ClusterTest, busybox_pod, main, run

WEB = ('mkdir -p /www && echo hello from the pod > /www/index.html && httpd -p 8080 -h /www && '
       'echo started && sleep 100000')
LIMIT = ('timeout', '30')  # no stream may hang a test


class Streams(ClusterTest):
    cluster_name = 'streams'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.apply(busybox_pod('web', WEB))
        cls.cluster.kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=60s')

    def exec(self, *words, stdin=None, env=None):
        flags = ['-i'] if stdin is not None else []
        return run([*LIMIT, self.cluster.kubectl_program, 'exec', *flags, 'web', '--', *words], stdin=stdin,
                   env={**self.cluster.env, **(env or {})})

    def test_exec_carries_both_outputs_and_the_exit_code(self):
        # kubectl before 1.31 speaks SPDY in any case.
        for websocket in ('true', 'false'):
            with self.subTest(websocket=websocket):
                done = self.exec('sh', '-c', 'echo out; echo err >&2; exit 7',
                                 env={'KUBECTL_REMOTE_COMMAND_WEBSOCKETS': websocket})
                self.assertEqual((done.code, done.out), (7, 'out\n'))
                self.assertEqual(done.err, 'err\ncommand terminated with exit code 7\n')

    def test_exec_takes_input_until_its_end(self):
        done = self.exec('sh', '-c', 'while read line; do echo "got $line"; done; echo end', stdin='a\nb\n')
        self.assertEqual((done.code, done.out), (0, 'got a\ngot b\nend\n'), done.err)

    def test_exec_of_what_is_not_there_says_so(self):
        done = self.exec('no-such-program')
        # Docker starts such a command, and it ends with a word and a code as a shell's would.
        code, said = (126, done.out) if RUNTIME == 'docker' else (1, done.err)
        self.assertEqual(done.code, code)
        self.assertRegex(said, r'exec: "no-such-program": executable file not found in \$PATH')

    def test_large_data_comes_back_as_it_was_sent(self):
        data = os.urandom(32 << 20)
        done = subprocess.run([*LIMIT, self.cluster.kubectl_program, 'exec', '-i', 'web', '--', 'cat'], input=data,
                              capture_output=True, env=self.cluster.env, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout), len(data))
        self.assertEqual(hashlib.sha256(done.stdout).hexdigest(), hashlib.sha256(data).hexdigest())

    def test_attach_shows_what_the_container_says(self):
        self.cluster.apply(busybox_pod('talker', 'while :; do echo tick; sleep 0.2; done'))
        self.wait_ready('talker')
        done = run(['timeout', '3', self.cluster.kubectl_program, 'attach', 'talker'], env=self.cluster.env)
        self.assertIn('tick\ntick\n', done.out)

    def test_port_forward_serves_many_connections(self):
        for websocket in ('true', 'false'):
            with self.subTest(websocket=websocket):
                forward = subprocess.Popen([*LIMIT, self.cluster.kubectl_program, 'port-forward', 'pod/web', ':8080'],
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                           env={**self.cluster.env, 'KUBECTL_PORT_FORWARD_WEBSOCKETS': websocket})
                try:
                    self.assertTrue(select.select([forward.stdout], [], [], 20)[0], 'it did not start to listen')
                    port = int(re.match(r'Forwarding from 127\.0\.0\.1:(\d+) -> 8080', forward.stdout.readline())[1])
                    for _ in range(20):
                        asked = http.client.HTTPConnection('127.0.0.1', port, timeout=5)
                        asked.request('GET', '/')
                        self.assertEqual(asked.getresponse().read(), b'hello from the pod\n')
                        asked.close()
                finally:
                    forward.terminate()
                    forward.wait(10)
                    forward.stdout.close()


if __name__ == '__main__':
    main()
