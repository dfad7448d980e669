#include <cstdint>
#include <cstdlib>
#include <string>

#include "dockershim/checkpoints.h"
#include "dockershim/cni/network.h"
#include "dockershim/containers.h"
#include "dockershim/docker_objects.h"
#include "dockershim/log_frames.h"
#include "dockershim/logs.h"
#include "dockershim/pull.h"
#include "dockershim/sandboxes.h"
#include "dockershim/streaming/remote_streams.h"

namespace kpp::dockershim {
namespace {

// A log fed whole or byte by byte must tell the same.
std::string told(bool terminal, std::string_view bytes, std::size_t piece) {
  LogEntries entries(terminal);
  std::string out;
  while (!bytes.empty()) {
    entries.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      auto entry = entries.next();
      if (!entry) return out + "refused";
      if (!*entry) break;
      write_cri_line(out, **entry);
    }
  }
  return out;
}

}  // namespace
}  // namespace kpp::dockershim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kpp;
  using namespace kpp::dockershim;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (told(false, text, size) != told(false, text, 1)) std::abort();
  (void)told(true, text, 1);
  (void)parse_name(text);
  (void)parse_nanoseconds(text);
  (void)log_end_of(text);
  (void)parse_checkpoint(text);
  (void)parse_resize(text);
  (void)parse_addresses(text, text);
  (void)pull_query(text);
  PullProgress progress;
  (void)progress.feed(text);
  (void)cni::parse_network_config(text, true);
  if (const auto value = json::parse(text)) {
    (void)parse_containers(*value);
    (void)container_status(parse_container(*value));
    (void)cni::addresses_of(*value);
  }
  return 0;
}
