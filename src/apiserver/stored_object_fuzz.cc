#include <cstddef>
#include <cstdint>
#include <string>

#include "api/corev1.h"
#include "apiserver/port_range.h"
#include "apiserver/stored_object.h"
#include "base/check.h"

// Whatever stands in the store is read or refused; what was read is read again as it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kpp::apiserver;
  static const ResourceTable kTable;
  static const ServedResource& kPods = *kTable.find("", "v1", "pods");
  static const ServedResource& kScalers =
      *kTable.find("autoscaling", "v2", "horizontalpodautoscalers")->storage;
  const std::string stored(reinterpret_cast<const char*>(data), size);
  for (const auto* resource : {&kPods, &kScalers}) {
    const auto read = read_stored(*resource, stored);
    if (!read || read->json.empty()) continue;
    const auto again = read_stored(*resource, read->json);
    KPP_CHECK(again && again->json.empty(), "what was read is not in the server's own form");
  }
  if (const auto ports = read_stored(kpp::corev1::RangeAllocation::desc(), stored)) {
    auto range = PortRange::read(*ports->as<kpp::corev1::RangeAllocation>(), 30000, 32767);
    if (range) {
      range->set(32767, true);
      KPP_CHECK(range->taken(32767), "a port that was taken is free");
    }
  }
  return 0;
}
