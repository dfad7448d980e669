"""kubeadm on two machines of a lab: what it makes, what it refuses, what reset leaves."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import tempfile
import unittest

from cluster import main, wait_until
from lab import Lab

LAB = Lab('e2e-kubeadm')
enter = LAB.run
TOKEN = 'abcdef.0123456789abcdef'
# A kubelet that ends at once: init gets half way.
BROKEN_KUBELET = '#!/bin/sh\necho "this kubelet is broken" >&2\nexit 1\n'


def join_with(token, ca_hash, server='192.168.1.12:6443'):
    """A join that does not wait long for a signature."""
    config = ('apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ntimeouts:\n  discovery: 2s\ndiscovery:\n'
              f'  bootstrapToken:\n    token: {token}\n    apiServerEndpoint: {server}\n    caCertHashes: [{ca_hash}]\n')
    return f"printf '{config}' > /tmp/join.yaml; kubeadm join --config /tmp/join.yaml"


class Kubeadm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        made = LAB.up('--nodes', 'class,class2', '--bare')
        assert made.stdout == 'machine class at 192.168.1.12\nmachine class2 at 192.168.1.8\n', made.stdout

    @classmethod
    def tearDownClass(cls):
        LAB.down()

    def refused(self, machine, command, *texts):
        """The command fails, with one error that holds the texts."""
        done = enter(machine, command)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertEqual([line.startswith('error: ') for line in done.stderr.splitlines()].count(True), 1, done.stderr)
        for text in texts:
            self.assertIn(text, done.stderr)
        return done

    def test_images_are_made_and_loaded(self):
        listed = enter('class', 'kubeadm config images list --store embedded')
        names = listed.stdout.split()
        self.assertEqual([name.split('/')[-1].split(':')[0] for name in names],
                         ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'coredns', 'pause'])
        renamed = enter('class', 'kubeadm config images list --image-repository repo.example/k8s').stdout.split()
        self.assertEqual(len(renamed), 7)
        self.assertTrue(all(name.startswith('repo.example/k8s/') for name in renamed), renamed)
        pulled = enter('class', 'kubeadm config images pull --store embedded')
        self.assertEqual(pulled.returncode, 0, pulled.stderr)
        have = enter('class', 'ctr -n k8s.io images ls -q').stdout.split()
        self.assertEqual(set(names) - set(have), set())
        run = enter('class', f'ctr -n k8s.io run --rm {names[0]} probe kube-apiserver --help')
        self.assertIn('--service-cluster-ip-range', run.stdout, run.stderr)

    def test_defaults_that_are_printed_are_taken(self):
        done = enter('class', 'kubeadm config print init-defaults | sed s/1.2.3.4/192.168.1.12/ > /tmp/init.yaml;'
                              'kubeadm init --config /tmp/init.yaml --store embedded --dry-run')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('[preflight] Running pre-flight checks', done.stdout)
        self.assertIn('--advertise-address=192.168.1.12', done.stdout)
        self.assertEqual(enter('class', 'ls -A /etc/kubernetes 2>/dev/null').stdout, '')

    def test_port_that_is_taken(self):
        self.refused('class', 'busybox nc -l -p 10257 & pid=$!; sleep 0.3; kubeadm init --store embedded; code=$?;'
                              ' kill $pid; exit $code',
                     '[ERROR Port-10257]: Port 10257 is in use')

    def test_no_runtime(self):
        self.refused('class', 'kubeadm init --store embedded --cri-socket unix:///run/nothing.sock',
                     '[ERROR CRI]: container runtime is not running', '--cri-socket')

    def test_cgroup_drivers_that_differ(self):
        config = ('apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n---\n'
                  'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: systemd\n')
        self.refused('class', f"printf '{config}' > /tmp/driver.yaml;"
                              ' kubeadm init --store embedded --config /tmp/driver.yaml',
                     '[ERROR CgroupDriver]', '"cgroupfs"', '"systemd"')

    def test_forwarding_that_is_off(self):
        self.refused('class2', 'echo 0 > /proc/sys/net/ipv4/ip_forward; kubeadm init --store embedded; code=$?;'
                               ' echo 1 > /proc/sys/net/ipv4/ip_forward; exit $code',
                     'ip_forward contents are not set to 1; set it: sysctl -w net.ipv4.ip_forward=1')

    def test_half_finished_init_run_again_and_reset(self):
        init = 'PATH=/tmp/broken:$PATH kubeadm init --store embedded --pod-network-cidr 10.44.0.0/16'
        enter('class', f"mkdir -p /tmp/broken; printf '%s' '{BROKEN_KUBELET}' > /tmp/broken/kubelet;"
                       ' chmod +x /tmp/broken/kubelet')
        done = self.refused('class', init, 'the kubelet has ended', 'this kubelet is broken')
        for phase in ('[certs] Generating "apiserver" certificate and key',
                      '[certs] apiserver serving cert is signed for DNS names [class kubernetes kubernetes.default '
                      'kubernetes.default.svc kubernetes.default.svc.cluster.local] and IPs [10.96.0.1 192.168.1.12]',
                      '[kubeconfig] Writing "super-admin.conf" kubeconfig file',
                      '[control-plane] Creating static Pod manifest for "kube-scheduler"',
                      '[kubelet-start] Starting the kubelet'):
            self.assertIn(phase, done.stdout)
        keys = enter('class', "find /etc/kubernetes/pki -name '*.key' -printf '%m\\n' | sort -u").stdout
        self.assertEqual(keys, '600\n')
        checked = enter('class', 'openssl verify -CAfile /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/apiserver.crt;'
                                 ' kubeadm certs check-expiration')
        self.assertIn('apiserver.crt: OK', checked.stdout)
        self.assertRegex(checked.stdout, r'admin.conf +\w+ \d+, \d+ \d\d:\d\d UTC +36\dd +ca +no')
        self.refused('class', init, '[ERROR FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml]', 'kubeadm reset')
        reset = enter('class', 'kubeadm reset -f')
        self.assertEqual(reset.returncode, 0, reset.stderr)
        left = enter('class', 'find /etc/kubernetes /var/lib/kubelet /var/lib/kpp/apiserver -type f 2>/dev/null; ls /run/kubelet.pid')
        self.assertEqual(left.stdout, '')
        # And the machine passes the checks again.
        self.assertEqual(enter('class', 'kubeadm init --store embedded --dry-run').returncode, 0)

    def test_reset_asks(self):
        self.refused('class2', 'echo n | kubeadm reset', "won't proceed")

    def test_joins_that_are_refused(self):
        """Against an API server that shows cluster-info to everybody, as init sets it up."""
        hash_ = self.start_api_server()
        self.refused('class2', join_with(TOKEN, 'sha256:' + 64 * 'a'), f'"{hash_}" are pinned')
        self.refused('class2', join_with('abcdef.ffffffffffffffff', hash_), 'failed to verify JWS signature')
        self.refused('class2', join_with('fedcba.0123456789abcdef', hash_), 'the token does not exist or has expired')
        self.refused('class2', join_with(TOKEN, hash_, '192.168.1.77:6443'), 'failed to request the cluster-info ConfigMap')
        self.refused('class2', 'kubeadm join 192.168.1.12:6443 --token ' + TOKEN, 'caCertHashes can be unsafe')
        left = enter('class2', 'find /etc/kubernetes /var/lib/kubelet -type f 2>/dev/null')
        self.assertEqual(left.stdout, '')

    def test_phases_against_an_api_server_and_a_token_that_reads_the_configuration(self):
        """Certificates, kubeconfigs and objects are those that an API server, kubectl and a joining machine take."""
        pki = '/etc/kubernetes/pki'
        flags = ('--store embedded --pod-network-cidr 10.44.0.0/16 --token ' + TOKEN)
        self.addCleanup(enter, 'class', 'kubeadm reset -f')
        self.addCleanup(enter, 'class', 'kill $(cat /tmp/api.pid); rm -rf /var/lib/kubelet/api')
        made = enter('class', f'kubeadm init phase certs {flags} && kubeadm init phase kubeconfig {flags}')
        self.assertEqual(made.returncode, 0, made.stderr)
        server = ('kpp kube-apiserver --data-dir /var/lib/kubelet/api --bind-address 192.168.1.12 --secure-port 6443'
                  f' --advertise-address 192.168.1.12 --client-ca-file {pki}/ca.crt --enable-bootstrap-token-auth=true'
                  f' --kubelet-client-certificate {pki}/apiserver-kubelet-client.crt'
                  f' --kubelet-client-key {pki}/apiserver-kubelet-client.key --service-account-key-file {pki}/sa.pub'
                  f' --service-account-signing-key-file {pki}/sa.key'
                  ' --service-account-issuer https://kubernetes.default.svc.cluster.local'
                  f' --service-cluster-ip-range 10.96.0.0/12 --tls-cert-file {pki}/apiserver.crt'
                  f' --tls-private-key-file {pki}/apiserver.key')
        up = enter('class', f'{server} >/tmp/api.log 2>&1 & echo $! > /tmp/api.pid; export KUBECONFIG=/etc/kubernetes/super-admin.conf;'
                            ' for i in $(seq 300); do kubectl get --raw /readyz >/dev/null 2>&1 && break; sleep 0.1; done;'
                            ' kubectl get --raw /readyz || cat /tmp/api.log')
        self.assertEqual(up.stdout, 'ok', up.stderr)
        for phase in ('upload-config', 'bootstrap-token', 'addon'):
            for _ in range(2):  # the second run finds everything there
                done = enter('class', f'kubeadm init phase {phase} {flags}')
                self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('[addons] Applied essential addon: kube-proxy', done.stdout)

        def kubectl(words):
            return enter('class', f'kubectl --kubeconfig /etc/kubernetes/admin.conf {words}').stdout

        self.assertEqual(kubectl('-n kube-system get service kube-dns -o jsonpath={.spec.clusterIP}'), '10.96.0.10')
        self.assertEqual(kubectl('-n kube-system get deployment,daemonset -o name'),
                         'deployment.apps/coredns\ndaemonset.apps/kube-proxy\n')
        self.assertIn('podSubnet: 10.44.0.0/16', kubectl('-n kube-system get configmap kubeadm-config -o yaml'))
        token = kubectl('create serviceaccount robot >/dev/null && kubectl --kubeconfig /etc/kubernetes/admin.conf'
                        ' create token robot')
        claims = json.loads(base64.urlsafe_b64decode(token.split('.')[1] + '=='))
        self.assertEqual(claims['iss'], 'https://kubernetes.default.svc.cluster.local')
        with self.subTest('scheduler and controllers are known, and answer health checks'):
            for component, conf, port in (('kube-scheduler', 'scheduler', 10259),
                                          ('kube-controller-manager', 'controller-manager', 10257)):
                script = (f'kpp {component} --kubeconfig /etc/kubernetes/{conf}.conf --bind-address=127.0.0.1 >/tmp/{conf}.log 2>&1 &'
                          f' pid=$!; for i in $(seq 100); do curl -sk https://127.0.0.1:{port}/healthz && break; sleep 0.1; done;'
                          f' kill $pid; wait $pid; grep -i unauthorized /tmp/{conf}.log')
                self.assertEqual(enter('class', script).stdout, 'ok', component)
        with self.subTest('kubeadm token'):
            self.assertRegex(enter('class', 'kubeadm token list').stdout, f'{TOKEN} +2[34]h ')
            command = enter('class', 'kubeadm token create --ttl 1h --print-join-command').stdout
            self.assertRegex(command, r'^kubeadm join 192.168.1.12:6443 --token [a-z0-9.]{23} '
                                      r'--discovery-token-ca-cert-hash sha256:[0-9a-f]{64} \n$')
            other = command.split()[4]
            self.assertEqual(enter('class', f'kubeadm token delete {other}').stdout,
                             f'bootstrap token "{other[:6]}" deleted\n')
            self.refused('class', f'kubeadm token create {TOKEN}', 'already exists')
        with self.subTest('a machine reads the configuration with the token'):
            # The bootstrap signer signs cluster-info. It runs with all rights here: roles of single controllers are not its matter.
            enter('class', 'kpp kube-controller-manager --kubeconfig /etc/kubernetes/super-admin.conf --leader-elect=false'
                           f' --controllers=bootstrap-signer-controller --root-ca-file {pki}/ca.crt >/tmp/signer.log 2>&1 &'
                           ' echo $! > /tmp/signer.pid')
            self.addCleanup(enter, 'class', 'kill $(cat /tmp/signer.pid)')
            signature = 'jws-kubeconfig-' + TOKEN[:6]

            def is_signed():
                return signature in kubectl('-n kube-public get configmap cluster-info -o yaml')

            wait_until('cluster-info is signed', is_signed)
            join = f'kubeadm join 192.168.1.12:6443 --token {TOKEN} --dry-run --discovery-token-ca-cert-hash ' + command.split()[6]
            joined = enter('class2', join)
            self.assertEqual(joined.returncode, 0, joined.stderr)
            self.assertIn('Reading configuration from the "kubeadm-config" ConfigMap', joined.stdout)
            kubectl(f'-n kube-system delete secret bootstrap-token-{TOKEN[:6]}')
            wait_until('the signature goes with the token', lambda: not is_signed())
            self.refused('class2', join_with(TOKEN, command.split()[6]), 'the token does not exist or has expired')

    def start_api_server(self):
        """Starts one in class, with cluster-info signed for TOKEN; answers the hash of its CA."""
        started = enter('class', 'kpp kube-apiserver --data-dir /var/lib/kubelet/api --bind-address 192.168.1.12'
                                 ' --advertise-address 192.168.1.12 >/tmp/api.log 2>&1 & echo $! > /tmp/api.pid;'
                                 ' for i in $(seq 300); do [ -e /var/lib/kubelet/api/admin.conf ] && break; sleep 0.1; done;'
                                 ' cat /var/lib/kubelet/api/pki/ca.crt')
        self.addCleanup(enter, 'class', 'kill $(cat /tmp/api.pid); rm -rf /var/lib/kubelet/api')
        self.assertIn('BEGIN CERTIFICATE', started.stdout, started.stderr)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'ca.crt')
            with open(path, 'w', encoding='utf-8') as file:
                file.write(started.stdout)
            der = subprocess.run(f'openssl x509 -pubkey -noout -in {path} | openssl pkey -pubin -outform der | sha256sum',
                                 shell=True, capture_output=True, text=True, check=True).stdout.split()[0]
        objects = cluster_info(started.stdout)
        script = "export KUBECONFIG=/var/lib/kubelet/api/admin.conf; cat > /tmp/objects.json <<'EOF'\n%s\nEOF\n" \
                 'kubectl create --validate=false -f /tmp/objects.json' % json.dumps(objects)
        made = enter('class', script)
        self.assertEqual(made.returncode, 0, made.stderr)
        return 'sha256:' + der


def cluster_info(ca):
    """The ConfigMap with its signature, and the role that shows it."""
    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b'=').decode()

    kubeconfig = json.dumps({'apiVersion': 'v1', 'kind': 'Config', 'clusters': [
        {'name': '', 'cluster': {'server': 'https://192.168.1.12:6443',
                                 'certificate-authority-data': base64.b64encode(ca.encode()).decode()}}]})
    token_id, secret = TOKEN.split('.')
    head = encode(json.dumps({'alg': 'HS256', 'kid': token_id}).encode())
    signature = hmac.new(secret.encode(), f'{head}.{encode(kubeconfig.encode())}'.encode(), hashlib.sha256).digest()
    rbac = 'rbac.authorization.k8s.io'
    return {'apiVersion': 'v1', 'kind': 'List', 'items': [
        {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'cluster-info', 'namespace': 'kube-public'},
         'data': {'kubeconfig': kubeconfig, f'jws-kubeconfig-{token_id}': f'{head}..{encode(signature)}'}},
        {'apiVersion': f'{rbac}/v1', 'kind': 'Role', 'metadata': {'name': 'info', 'namespace': 'kube-public'},
         'rules': [{'apiGroups': [''], 'resources': ['configmaps'], 'resourceNames': ['cluster-info'], 'verbs': ['get']}]},
        {'apiVersion': f'{rbac}/v1', 'kind': 'RoleBinding', 'metadata': {'name': 'info', 'namespace': 'kube-public'},
         'roleRef': {'apiGroup': rbac, 'kind': 'Role', 'name': 'info'},
         'subjects': [{'apiGroup': rbac, 'kind': 'User', 'name': 'system:anonymous'}]}]}


if __name__ == '__main__':
    main()
