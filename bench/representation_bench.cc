// What an object costs as plain structs (decision 0001): CPU time to decode and encode a pod of 5
// KB, and bytes held.
//   representation_bench [ROUNDS]
#include <malloc.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "api/corev1.h"
#include "api/defaults/defaults.h"
#include "api/json_codec.h"
#include "api/proto_codec.h"

namespace kpp::api {
namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <class F>
void measure(const char* what, int rounds, F work) {
  work();
  const double start = cpu_seconds();
  for (int i = 0; i < rounds; ++i) work();
  std::printf("%-36s %8.1f us\n", what, (cpu_seconds() - start) / rounds * 1e6);
}

corev1::Pod example() {
  corev1::Pod pod;
  pod.metadata.name = "representation";
  pod.metadata.namespace_ = "default";
  pod.metadata.labels["app"] = "representation";
  auto& container = pod.spec.containers.emplace_back();
  container.name = "main";
  container.image = "registry.example/some/image:1.0";
  while (to_json(pod).size() < 5000) {
    auto& variable = container.env.emplace_back();
    variable.name = cat("VARIABLE_", container.env.size());
    variable.value = cat("value of variable number ", container.env.size());
  }
  Object object = Object::of(pod);
  apply_defaults(object);
  return *object.as<corev1::Pod>();
}

int run(int rounds) {
  const corev1::Pod pod = example();
  const std::string text = to_json(pod);
  const std::string wire = to_proto(pod);
  std::printf("%zu bytes of JSON, %zu of protobuf\n", text.size(), wire.size());
  measure("JSON to struct", rounds, [&] { (void)parse_json<corev1::Pod>(text); });
  measure("JSON to document", rounds, [&] { (void)json::parse(text); });
  measure("JSON to document to struct", rounds, [&] {
    const auto document = json::parse(text);
    corev1::Pod out;
    if (document) (void)from_json(*document, corev1::Pod::desc(), &out);
  });
  measure("struct to JSON", rounds, [&] { (void)to_json(pod); });
  measure("protobuf to struct", rounds, [&] {
    corev1::Pod out;
    (void)from_proto(wire, corev1::Pod::desc(), &out);
  });
  measure("struct to protobuf", rounds, [&] { (void)to_proto(pod); });
  measure("copy", rounds, [&] { const corev1::Pod copy = pod; });

  constexpr std::size_t kHeld = 1000;
  std::vector<corev1::Pod> held;
  held.reserve(kHeld);
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t i = 0; i < kHeld; ++i) {
    if (auto decoded = parse_json<corev1::Pod>(text)) held.push_back(std::move(*decoded));
  }
  const std::size_t bytes = (mallinfo2().uordblks - before) / kHeld + sizeof(corev1::Pod);
  std::printf("%-36s %8zu bytes\n", "held by a decoded pod", bytes);
  return 0;
}

}  // namespace
}  // namespace kpp::api

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5000;
  return kpp::api::run(rounds > 0 ? rounds : 5000);
}
