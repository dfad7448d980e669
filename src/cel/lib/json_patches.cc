// What expressions that make JSON patches need.
#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"

namespace kpp::cel {

void add_json_patch_library(FunctionTable& table) {
  table.add(
      "jsonpatch.escapeKey(string) -> string",
      [](Args args) {
        std::string out;
        for (const char c : *args[0].text()) {
          if (c == '~') {
            out += "~0";
          } else if (c == '/') {
            out += "~1";
          } else {
            out += c;
          }
        }
        return Value::of(std::move(out));
      },
      cost_walk_first);
}

}  // namespace kpp::cel
