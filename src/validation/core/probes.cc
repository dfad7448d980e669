#include "validation/core/probes.h"

#include "validation/formats.h"
#include "validation/metadata.h"

namespace kpp::validation {
namespace {

void check_exec(FieldErrors& errors, const FieldPath& at, const corev1::ExecAction& exec) {
  if (exec.command.empty()) errors.required(at.child("command"));
}

void check_http(FieldErrors& errors, const FieldPath& at, const corev1::HTTPGetAction& http) {
  if (http.path.empty()) errors.required(at.child("path"));
  check_port_or_name(errors, at.child("port"), http.port);
  if (http.scheme != "HTTP" && http.scheme != "HTTPS") {
    errors.not_supported(at.child("scheme"), http.scheme, {"HTTP", "HTTPS"});
  }
  for (const corev1::HTTPHeader& header : http.http_headers) {
    errors.invalid_each(at.child("httpHeaders"), header.name, http_header_name(header.name));
  }
}

// Counts the handlers of a probe or a hook: one is needed, a second is one too many.
class OneHandler {
 public:
  OneHandler(FieldErrors& errors, const FieldPath& at) : errors_(errors), at_(at) {}
  template <class Action, class Check>
  void take(std::string_view name, const api::Opt<Action>& action, Check check) {
    if (!action) return;
    if (++count_ > 1) {
      errors_.forbidden(at_.child(name), "may not specify more than 1 handler type");
    } else {
      check(at_.child(name), *action);
    }
  }
  void finish() {
    if (count_ == 0) errors_.required(at_, "must specify a handler type");
  }

 private:
  FieldErrors& errors_;
  const FieldPath& at_;
  int count_ = 0;
};

void check_probe(FieldErrors& errors, const FieldPath& at, const corev1::Probe& probe) {
  OneHandler one(errors, at);
  one.take("exec", probe.handler.exec,
           [&](const FieldPath& here, const auto& a) { check_exec(errors, here, a); });
  one.take("httpGet", probe.handler.http_get,
           [&](const FieldPath& here, const auto& a) { check_http(errors, here, a); });
  one.take("tcpSocket", probe.handler.tcp_socket, [&](const FieldPath& here, const auto& a) {
    check_port_or_name(errors, here.child("port"), a.port);
  });
  one.take("grpc", probe.handler.grpc, [&](const FieldPath& here, const auto& a) {
    errors.invalid_each(here.child("port"), a.port, port_number(a.port));
  });
  one.finish();
  check_not_negative(errors, at.child("initialDelaySeconds"), probe.initial_delay_seconds);
  check_not_negative(errors, at.child("timeoutSeconds"), probe.timeout_seconds);
  check_not_negative(errors, at.child("periodSeconds"), probe.period_seconds);
  check_not_negative(errors, at.child("successThreshold"), probe.success_threshold);
  check_not_negative(errors, at.child("failureThreshold"), probe.failure_threshold);
  if (probe.termination_grace_period_seconds && *probe.termination_grace_period_seconds <= 0) {
    errors.invalid(at.child("terminationGracePeriodSeconds"),
                   *probe.termination_grace_period_seconds, "must be greater than 0");
  }
}

void check_single_success(FieldErrors& errors, const FieldPath& at, const corev1::Probe& probe) {
  if (probe.success_threshold != 1)
    errors.invalid(at.child("successThreshold"), probe.success_threshold, "must be 1");
}

void check_hook(FieldErrors& errors, const FieldPath& at, const corev1::LifecycleHandler& hook,
                std::int64_t grace) {
  OneHandler one(errors, at);
  one.take("exec", hook.exec,
           [&](const FieldPath& here, const auto& a) { check_exec(errors, here, a); });
  one.take("httpGet", hook.http_get,
           [&](const FieldPath& here, const auto& a) { check_http(errors, here, a); });
  one.take("tcpSocket", hook.tcp_socket, [&](const FieldPath& here, const auto& a) {
    check_port_or_name(errors, here.child("port"), a.port);
  });
  one.take("sleep", hook.sleep, [&](const FieldPath& here, const auto& a) {
    if (a.seconds < 0 || a.seconds > grace) {
      errors.invalid(
          here, a.seconds,
          cat("must be non-negative and less than terminationGracePeriodSeconds (", grace, ")"));
    }
  });
  one.finish();
}

}  // namespace

void check_port_or_name(FieldErrors& errors, const FieldPath& at, const api::IntOrString& port) {
  if (port.is_string) {
    errors.invalid_each(at, port.string_value, port_name(port.string_value));
  } else {
    errors.invalid_each(at, port.int_value, port_number(port.int_value));
  }
}

void check_liveness_probe(FieldErrors& errors, const FieldPath& at,
                          const api::Opt<corev1::Probe>& probe) {
  if (!probe) return;
  check_probe(errors, at, *probe);
  check_single_success(errors, at, *probe);
}

void check_startup_probe(FieldErrors& errors, const FieldPath& at,
                         const api::Opt<corev1::Probe>& probe) {
  check_liveness_probe(errors, at, probe);
}

void check_readiness_probe(FieldErrors& errors, const FieldPath& at,
                           const api::Opt<corev1::Probe>& probe) {
  if (!probe) return;
  check_probe(errors, at, *probe);
  if (probe->termination_grace_period_seconds) {
    errors.invalid(at.child("terminationGracePeriodSeconds"),
                   *probe->termination_grace_period_seconds, "must not be set for readinessProbes");
  }
}

void check_lifecycle(FieldErrors& errors, const FieldPath& at,
                     const api::Opt<corev1::Lifecycle>& lifecycle, std::int64_t grace_seconds,
                     const corev1::PodSpec* spec) {
  if (!lifecycle) return;
  if (lifecycle->stop_signal && !(spec && spec->os)) {
    errors.forbidden(at.child("stopSignal"),
                     "may not be set for containers with empty `spec.os.name`");
  }
  if (lifecycle->post_start)
    check_hook(errors, at.child("postStart"), *lifecycle->post_start, grace_seconds);
  if (lifecycle->pre_stop)
    check_hook(errors, at.child("preStop"), *lifecycle->pre_stop, grace_seconds);
}

}  // namespace kpp::validation
