// What a container left behind as its last words.
#pragma once

#include <string>

namespace kpp::kubelet {

struct TerminationSource {
  std::string file;               // the termination message file on the node; empty: none
  bool fall_back_to_log = false;  // if the file is empty
  std::string log;
};

// At most 4096 bytes of the file's end, or 80 lines and 2048 bytes of the log's end. Empty if there
// is nothing. Blocks.
std::string read_termination_message(const TerminationSource& source);

}  // namespace kpp::kubelet
