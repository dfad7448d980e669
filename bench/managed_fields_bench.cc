// What managed fields cost: of a creation and of an update of a pod with 20 variables.
#include <chrono>
#include <cstdio>

#include "api/apply/managed_fields.h"
#include "api/corev1.h"
#include "api/defaults/defaults.h"
#include "api/json_codec.h"

namespace kpp::api {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRounds = 20000;

corev1::Pod pod() {
  std::string env;
  for (int i = 0; i < 20; ++i) {
    env += cat(i == 0 ? "" : ",", R"({"name":"VARIABLE_)", i, R"(","value":"some value"})");
  }
  auto out = parse_json<corev1::Pod>(
      cat(R"({"metadata":{"name":"p","labels":{"app":"web"}},"spec":{"containers":[{"name":"c",)",
          R"("image":"i","env":[)", env, R"(],"ports":[{"containerPort":80}]}]}})"));
  apply_defaults(*out);
  return *out;
}

UpdateContext context() {
  UpdateContext out;
  out.manager = "bench";
  out.api_version = "v1";
  out.time = Time(1'700'000'000, 0);
  out.resets.reset = {{"status"}};
  return out;
}

template <class F>
void measure(const char* what, F&& round) {
  const auto start = Clock::now();
  for (int i = 0; i < kRounds; ++i) round();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("%-10s %6.1f us\n", what, seconds / kRounds * 1e6);
}

int run() {
  corev1::Pod made = pod();
  measure("creation", [&] {
    made.metadata.managed_fields.clear();
    track_update(corev1::Pod::desc(), nullptr, &made, context());
  });
  corev1::Pod changed = made;
  changed.spec.containers[0].image = "j";
  measure("update", [&] {
    changed.metadata.managed_fields = made.metadata.managed_fields;
    track_update(corev1::Pod::desc(), &made, &changed, context());
  });
  return 0;
}

}  // namespace
}  // namespace kpp::api

int main() { return kpp::api::run(); }
