#include "kubelet/lifecycle_hooks.h"

#include "kubelet/probes/handlers.h"

namespace kpp::kubelet {
namespace {

std::string where(const corev1::Pod& pod, const corev1::Container& container) {
  return cat(" for Container ", quoted(container.name), " in Pod ", quoted(pod_text(pod)),
             " failed - error: ");
}

async::Task<Status> run_exec_hook(const PodDeps& deps, PodRef pod, corev1::Container container,
                                  std::string id, std::vector<std::string> command,
                                  async::StopToken stop) {
  auto answer = co_await deps.runtime.exec_sync(std::move(id), command, std::chrono::seconds(0),
                                                std::move(stop));
  const std::string prefix =
      cat("Exec lifecycle hook ([", join(command, " "), "])", where(*pod, container));
  if (!answer) {
    co_return Status(Reason::kUnknown,
                     cat(prefix, rpc_error_text(answer.error()), ", message: \"\""));
  }
  if (answer->exit_code == 0) co_return Status();
  co_return Status(Reason::kUnknown, cat(prefix, "command '", join(command, " "), "' exited with ",
                                         answer->exit_code, ": ", answer->stderr,
                                         ", message: ", quoted(answer->stdout + answer->stderr)));
}

async::Task<Status> run_http_hook(const PodDeps& deps, PodRef pod, corev1::Container container,
                                  std::string pod_ip, corev1::HTTPGetAction action,
                                  async::StopToken stop) {
  const std::string prefix = cat("HTTP lifecycle hook (", action.path, ")", where(*pod, container));
  auto request = http_probe(action, container, pod_ip, "kube-lifecycle/1.36");
  if (!request)
    co_return Status(Reason::kUnknown, cat(prefix, request.error().message(), ", message: \"\""));
  const std::string url = request->url();
  auto answer =
      co_await deps.dialer.get(std::move(*request), std::chrono::seconds(30), std::move(stop));
  if (!answer) {
    co_return Status(Reason::kUnknown, cat(prefix, "Get ", quoted(url), ": ",
                                           answer.error().message(), ", message: \"\""));
  }
  if (answer->status >= 200 && answer->status < 400) co_return Status();
  co_return Status(Reason::kUnknown, cat(prefix, "HTTP probe failed with statuscode: ",
                                         answer->status, ", message: ", quoted(answer->body)));
}

}  // namespace

async::Task<Status> run_hook(const PodDeps& deps, PodRef pod, corev1::Container container,
                             std::string container_id, std::string pod_ip,
                             corev1::LifecycleHandler hook, async::StopToken stop) {
  if (hook.exec) {
    co_return co_await run_exec_hook(deps, std::move(pod), std::move(container),
                                     std::move(container_id), hook.exec->command, std::move(stop));
  }
  if (hook.http_get) {
    co_return co_await run_http_hook(deps, std::move(pod), std::move(container), std::move(pod_ip),
                                     *hook.http_get, std::move(stop));
  }
  if (hook.sleep) {
    const bool slept =
        co_await async::sleep_for(deps.executor, std::chrono::seconds(hook.sleep->seconds), stop);
    if (slept) co_return Status();
    co_return Status(Reason::kCanceled, "container terminated before sleep hook finished");
  }
  co_return Status(Reason::kInvalid, "invalid handler: no exec, httpGet or sleep");
}

}  // namespace kpp::kubelet
