// The configuration of a kubelet: its file (KubeletConfiguration, kubelet.config.k8s.io/v1beta1)
// and the flags that stand for fields of it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/configv1beta1.h"
#include "base/status.h"
#include "codec/json.h"

namespace kpp::kubelet {

using Configuration = configv1beta1::KubeletConfiguration;

// A document of the file, before it is decoded. Errors: kBadRequest or kInvalid, as the original
// words them; a key that stands twice is one.
Result<json::Object> parse_configuration(std::string_view text);
// The same from a file; paths in it that are relative count from its folder. kInvalid also if it is
// empty or cannot be read.
Result<json::Object> load_configuration(const std::string& path);

// A flag that sets a field of the configuration.
struct ConfigFlag {
  enum class Kind {
    kText,
    kNumber,
    kSwitch,
    kList,
    kMap,         // key=value,...
    kThresholds,  // signal<value,...
    kSwitches,    // name=true,...
    kTaints,      // key=value:effect,...
  };
  std::string_view name;
  std::string_view path;  // dotted
  Kind kind;
  std::string_view help;
};
std::span<const ConfigFlag> config_flags();
// Puts what a person wrote for the flag into the document, in place of what stood there; `values`
// is the text cut at its commas.
Status set_flag(json::Object& document, const ConfigFlag& flag,
                const std::vector<std::string>& values);

// What holds if there is neither a file nor a flag: as the original's flags have it, which is more
// open than the file's own defaults.
void set_defaults_without_file(json::Object& document);

// Decodes strictly: a field that nobody knows is an error that names it.
Result<Configuration> decode_configuration(const json::Object& document);

}  // namespace kpp::kubelet
