#include <cstddef>
#include <cstdint>

#include "dns/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  if (const auto query = kpp::dns::parse_query(message)) {
    kpp::dns::Answer answer;
    answer.answers.push_back(
        {query->name, kpp::dns::kA, 5, kpp::dns::AddressData{"\x0a\x01\x02\x03"}});
    (void)kpp::dns::encode(*query, answer, query->udp_size);
  }
  (void)kpp::dns::parse_answer(message);
  (void)kpp::dns::parse_records(message);
  return 0;
}
