#include "kubeadm/wait_control_plane.h"

#include "async/wait.h"
#include "client/rest_config.h"
#include "kubeadm/config_reader.h"
#include "kubeadm/kubelet_start.h"

namespace kpp::kubeadm {
namespace {

constexpr std::chrono::milliseconds kPause{250};
constexpr std::chrono::seconds kOneRequest{5};

std::string seconds_text(Duration duration) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  if (milliseconds < 1000) return cat(milliseconds, "ms");
  const auto fraction = cat(1000 + milliseconds % 1000).substr(1);
  return cat(milliseconds / 1000, ".", fraction, "s");
}

// One question at a URL; ok if the answer is 200.
async::Task<Status> ask(async::IoExecutor& executor, std::string url, std::string path,
                        async::StopToken stop) {
  KPP_CO_ASSIGN(net::Endpoint endpoint, net::Endpoint::parse(url));
  net::ClientOptions options;
  options.dial.timeout = kOneRequest;
  if (endpoint.tls) {
    // Nothing is sent that must be kept secret, and components sign their certificates themselves.
    net::TlsClientOptions tls;
    tls.insecure = true;
    KPP_CO_ASSIGN(options.dial.tls, net::TlsContext::client(tls));
  }
  net::HttpClient http(executor, std::move(endpoint), std::move(options));
  net::Request request;
  request.method = "GET";
  request.path = std::move(path);
  auto answer = co_await http.send(std::move(request), false, std::move(stop));
  if (!answer) co_return std::move(answer).error();
  if (answer->status == 200) co_return Status();
  co_return Status(Reason::kServiceUnavailable,
                   cat("HTTP ", answer->status, ": ", answer->body_text().substr(0, 300)));
}

struct Endpoint {
  std::string name, url, path;
};

async::Task<Status> wait_for(async::IoExecutor& executor, Endpoint component, TimePoint deadline,
                             bool watch_kubelet, async::StopToken stop) {
  while (true) {
    Status last = co_await ask(executor, component.url, component.path, stop);
    if (last.ok()) co_return Status();
    if (watch_kubelet) {
      Status alive = check_kubelet_runs();
      if (!alive.ok()) co_return alive;
    }
    if (executor.steady() >= deadline) {
      co_return Status(Reason::kTimeout, cat(component.name, " does not answer at ", component.url,
                                             component.path, ": ", last.message()));
    }
    const bool slept = co_await async::sleep_for(executor, kPause, stop);
    if (!slept) co_return Status(Reason::kCanceled, "stopped");
  }
}

}  // namespace

Result<ApiConnection> connect_with(async::IoExecutor& executor, std::string_view yaml) {
  KPP_ASSIGN(const client::Kubeconfig file, client::parse_kubeconfig(yaml, "/"));
  KPP_ASSIGN(const client::RestConfig config, client::rest_config(file));
  ApiConnection out;
  KPP_ASSIGN(out.transport, client::make_transport(executor, config));
  out.client =
      std::make_unique<client::Client>(*out.transport, "kubeadm", config.user.token, &executor);
  return out;
}

Result<ApiConnection> connect(async::IoExecutor& executor, const std::string& path) {
  KPP_ASSIGN(const client::Kubeconfig file, client::load_kubeconfig(path));
  return connect_with(executor, client::write_kubeconfig(file));
}

async::Task<Status> wait_for_kubelet(async::IoExecutor& executor, Seconds patience, Printer print,
                                     async::StopToken stop) {
  print(
      cat("[kubelet-check] Waiting for a healthy kubelet at http://127.0.0.1:10248/healthz. This "
          "can take up to ",
          duration_text(patience)));
  const TimePoint start = executor.steady();
  Status done = co_await wait_for(executor, {"the kubelet", "http://127.0.0.1:10248", "/healthz"},
                                  start + patience, true, stop);
  if (done.ok()) {
    print(cat("[kubelet-check] The kubelet is healthy after ",
              seconds_text(executor.steady() - start)));
    co_return Status();
  }
  co_return std::move(done).with_context(
      "the kubelet is not healthy; look at its log (journalctl -xeu kubelet, or "
      "/var/log/kubelet.log)");
}

async::Task<Status> wait_for_control_plane(async::IoExecutor& executor, InitConfig config,
                                           Printer print, async::StopToken stop) {
  const Endpoint components[] = {
      {"kube-apiserver", cat("https://", config.advertise_address, ":", config.bind_port),
       "/livez"},
      {"kube-controller-manager", "https://127.0.0.1:10257", "/healthz"},
      {"kube-scheduler", "https://127.0.0.1:10259", "/livez"}};
  print(cat(
      "[control-plane-check] Waiting for healthy control plane components. This can take up to ",
      duration_text(config.timeouts.control_plane)));
  const TimePoint start = executor.steady();
  for (const Endpoint& component : components) {
    print(cat("[control-plane-check] Checking ", component.name, " at ", component.url,
              component.path));
  }
  for (const Endpoint& component : components) {
    Status done =
        co_await wait_for(executor, component, start + config.timeouts.control_plane, true, stop);
    if (!done.ok()) {
      co_return std::move(done).with_context(
          "a control plane component may have crashed or exited when started by the container "
          "runtime; look at it: ctr -n k8s.io containers ls, and its log below /var/log/pods");
    }
    print(cat("[control-plane-check] ", component.name, " is healthy after ",
              seconds_text(executor.steady() - start)));
  }
  co_return Status();
}

}  // namespace kpp::kubeadm
