#include "kubelet/termination_message.h"

#include "kubelet/server/log_reader.h"
#include "kubelet/tail.h"

namespace kpp::kubelet {
namespace {
constexpr std::size_t kMaxMessage = 4096;
constexpr std::size_t kMaxFromLog = 2048;
constexpr int kMaxLogLines = 80;
}  // namespace

std::string read_termination_message(const TerminationSource& source) {
  if (!source.file.empty()) {
    std::string text = read_tail(source.file, kMaxMessage);
    if (!text.empty()) return text;
  }
  if (!source.fall_back_to_log || source.log.empty()) return {};
  LogOptions options;
  options.tail_lines = kMaxLogLines;
  std::string text = read_log_text(source.log, options);
  if (text.size() > kMaxFromLog) text.erase(0, text.size() - kMaxFromLog);
  return text;
}

}  // namespace kpp::kubelet
