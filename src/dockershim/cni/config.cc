#include "dockershim/cni/config.h"

#include "base/fs.h"

namespace kpp::dockershim::cni {
namespace {

Result<Plugin> parse_plugin(const json::Value& value) {
  if (!value.is_object()) return fail(Reason::kInvalid, "error parsing configuration: no object");
  Plugin out;
  out.config = value.as_object();
  out.type = json::text_at(value, "type");
  if (out.type.empty())
    return fail(Reason::kInvalid, "error parsing configuration: missing 'type'");
  // The type names a program of the plugins' directories, never a path.
  if (out.type.find('/') != std::string::npos)
    return fail(Reason::kInvalid, cat("invalid plugin name: ", out.type));
  if (const json::Value* wanted = json::find(value, "capabilities");
      wanted && wanted->is_object()) {
    for (const auto& [name, on] : wanted->as_object()) {
      if (on.is_bool() && on.as_bool()) out.capabilities.emplace_back(name);
    }
  }
  return out;
}

bool is_true(const json::Value& value, std::string_view name) {
  const json::Value* found = json::find(value, name);
  if (found == nullptr) return false;
  return found->is_bool() ? found->as_bool() : found->is_string() && found->as_string() == "true";
}

}  // namespace

Result<NetworkConfig> parse_network_config(std::string_view text, bool is_list) {
  KPP_ASSIGN(const json::Value value, json::parse(text));
  if (!value.is_object()) return fail(Reason::kInvalid, "error parsing configuration: no object");
  NetworkConfig out;
  out.name = json::text_at(value, "name");
  out.version = json::text_at(value, "cniVersion");
  out.disable_check = is_true(value, "disableCheck");
  if (out.name.empty()) return fail(Reason::kInvalid, "error parsing configuration list: no name");
  if (!is_list) {
    KPP_ASSIGN(Plugin plugin, parse_plugin(value));
    out.plugins.push_back(std::move(plugin));
    return out;
  }
  const json::Value* plugins = json::find(value, "plugins");
  if (plugins == nullptr || !plugins->is_array() || plugins->as_array().empty())
    return fail(Reason::kInvalid, "error parsing configuration list: no 'plugins' key");
  for (const json::Value& item : plugins->as_array()) {
    KPP_ASSIGN(Plugin plugin, parse_plugin(item));
    out.plugins.push_back(std::move(plugin));
  }
  return out;
}

Result<NetworkConfig> load_network_config(const std::string& directory) {
  const auto names = fs::list(directory);
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    const bool is_list = name.ends_with(".conflist");
    if (!is_list && !name.ends_with(".conf") && !name.ends_with(".json")) continue;
    const auto text = fs::read_file(cat(directory, "/", name), 1u << 20);
    if (!text) continue;
    auto config = parse_network_config(*text, is_list);
    if (config) return config;
  }
  return fail(Reason::kNotFound, cat("no valid networks found in ", directory));
}

std::string plugin_input(const NetworkConfig& network, const Plugin& plugin,
                         const json::Object& capabilities, const json::Value& previous_result) {
  json::Object out = plugin.config;
  out["name"] = network.name;
  out["cniVersion"] = network.version.empty() ? "0.1.0" : network.version;
  out.erase("capabilities");
  json::Object runtime;
  for (const std::string& name : plugin.capabilities) {
    if (const json::Value* given = capabilities.if_contains(name)) runtime[name] = *given;
  }
  if (!runtime.empty()) out["runtimeConfig"] = std::move(runtime);
  if (!previous_result.is_null()) out["prevResult"] = previous_result;
  return json::write(out);
}

}  // namespace kpp::dockershim::cni
