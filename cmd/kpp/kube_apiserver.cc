#include "commands.h"
#include "control_plane.h"
#include "flags.h"
#include "process.h"
#include "security_flags.h"

namespace kpp::cmd {

int kube_apiserver_main(int argc, char** argv) {
  ControlPlaneOptions options;
  options.data_dir = "/var/lib/kpp/apiserver";
  options.bind_address = "0.0.0.0";
  int verbosity = 0;
  SecurityFlags security;
  bool allow_privileged = true;
  Flags flags("kube-apiserver", "Serves the Kubernetes API, over etcd or over a store of its own.");
  flags.add("data-dir", &options.data_dir, "where the store and the certificates are kept");
  flags.add("etcd-servers", &options.etcd.servers,
            "etcd servers to keep the objects in (scheme://ip:port); none: in the data directory");
  flags.add("etcd-cafile", &options.etcd.ca_file, "the CA of etcd's certificates");
  flags.add("etcd-certfile", &options.etcd.certificate_file, "the certificate that etcd is shown");
  flags.add("etcd-keyfile", &options.etcd.key_file, "its key");
  flags.add("etcd-prefix", &options.etcd.prefix, "what all keys in etcd begin with");
  flags.add("event-ttl", &options.event_ttl, "how long Events are kept");
  flags.add("bind-address", &options.bind_address, "the address to serve on");
  flags.add("advertise-address", &options.advertise_address,
            "the address under which members of the cluster reach the server");
  flags.add("secure-port", &options.secure_port, "the port to serve HTTPS on");
  flags.add("service-cluster-ip-range", &options.service_cidr, "the range of cluster IPs");
  flags.add("token-auth-file", &options.token_auth_file,
            "a CSV file of bearer tokens: token,user,uid,\"group1,group2\"");
  flags.add("client-ca-file", &options.client_ca_file,
            "a PEM file of CAs whose client certificates are accepted too");
  flags.add("anonymous-auth", &options.anonymous_auth,
            "take requests without credentials as system:anonymous");
  security.add_to(flags);
  flags.add("allow-privileged", &allow_privileged, "privileged containers are allowed");
  flags.add("enable-bootstrap-token-auth", &options.bootstrap_tokens,
            "take the tokens of bootstrap Secrets");
  flags.add("tls-cert-file", &options.tls_cert_file,
            "the serving certificate; empty: one of a CA in the data directory");
  flags.add("tls-private-key-file", &options.tls_private_key_file, "its key");
  flags.add("kubelet-client-certificate", &options.kubelet_client_certificate, "shown to kubelets");
  flags.add("kubelet-client-key", &options.kubelet_client_key, "its key");
  flags.add("kubelet-certificate-authority", &options.kubelet_certificate_authority,
            "who signs the kubelets' certificates");
  flags.add("service-account-signing-key-file", &options.service_account_signing_key_file,
            "the RSA key that signs tokens");
  flags.add("service-account-key-file", &options.service_account_key_files,
            "the public half of it");
  flags.add("service-account-issuer", &options.service_account_issuer,
            "who issues tokens, as they say");
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kube-apiserver", s);
  if (Status s = security.apply(options); !s.ok()) return report("kube-apiserver", s);
  if (!allow_privileged) {
    return report("kube-apiserver",
                  Status(Reason::kInvalid, "only --allow-privileged=true is supported"));
  }
  return run_process(verbosity, "kube-apiserver",
                     [options](Process& process) -> async::Task<Status> {
                       return [](Process& p, ControlPlaneOptions o) -> async::Task<Status> {
                         ControlPlane plane(p.executor, p.pool, p.log, std::move(o));
                         Status started = co_await plane.start(p.stop);
                         if (started.ok() && !plane.certificates().admin.key_pem.empty()) {
                           const auto kubeconfig = plane.write_kubeconfig();
                           if (!kubeconfig) started = kubeconfig.error();
                         }
                         if (started.ok()) started = co_await plane.serve(p.stop);
                         co_await plane.stop();
                         co_return started;
                       }(process, options);
                     });
}

}  // namespace kpp::cmd
