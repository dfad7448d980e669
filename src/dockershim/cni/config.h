// Network configurations of CNI: which plugins wire a pod, and with what.
#pragma once

#include <string>
#include <vector>

#include "codec/json.h"

namespace kpp::dockershim::cni {

struct Plugin {
  std::string type;  // the name of its program
  json::Object config;
  std::vector<std::string> capabilities;  // that it wants to be told of: "portMappings"
};

struct NetworkConfig {
  std::string name;
  std::string version;  // "" is 0.1.0
  bool disable_check = false;
  std::vector<Plugin> plugins;
};

// A configuration: a list of plugins (.conflist) or one (.conf, .json).
Result<NetworkConfig> parse_network_config(std::string_view text, bool is_list);

// The first good configuration of a directory, by name. Blocks.
// Errors: kNotFound in the words of the original's CNI library.
Result<NetworkConfig> load_network_config(const std::string& directory);

// What a plugin is given on its standard input.
std::string plugin_input(const NetworkConfig& network, const Plugin& plugin,
                         const json::Object& capabilities, const json::Value& previous_result);

}  // namespace kpp::dockershim::cni
