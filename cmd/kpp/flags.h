// Command-line flags, spelled as the original's components spell them: --name=value or --name
// value, -v=2.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace kpp::cmd {

// The flags of one command. Unknown flags are errors that name the flag.
class Flags {
 public:
  explicit Flags(std::string command, std::string summary);
  ~Flags();

  void add(std::string name, std::string* value, std::string help);
  void add(std::string name, int* value, std::string help);
  void add(std::string name, Duration* value, std::string help);  // 15s, 1m30s, 500ms
  void add(std::string name, bool* value, std::string help);      // --name, --name=false
  // Comma separated, and repeatable.
  void add(std::string name, std::vector<std::string>* values, std::string help);
  // Nothing stands there unless the person wrote the flag.
  void add(std::string name, std::optional<std::string>* value, std::string help);
  void add(std::string name, std::optional<bool>* value, std::string help);
  void add_verbosity(int* value);  // -v, --v
  // Words that are no flags.
  void add_words(std::vector<std::string>* words, std::string help);

  // kInvalid with a message for the person; kCanceled after --help was printed.
  Status parse(int argc, char** argv);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kpp::cmd
