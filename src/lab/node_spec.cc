#include "lab/node_spec.h"

#include <algorithm>

namespace kpp::lab {

Status check_name(std::string_view what, std::string_view name) {
  const bool letters = std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  if (name.empty() || name.size() > 40 || !letters || name.front() == '-' || name.back() == '-') {
    return {Reason::kInvalid, cat(quoted(name), " cannot name a ", what,
                                  ": lower case letters, digits and '-', 40 at most, are allowed")};
  }
  return {};
}

StateFile to_state(const InitSpec& spec) {
  StateFile state;
  state.add("name", spec.node.name);
  state.add("directory", spec.directory);
  state.add("address", spec.address);
  if (spec.network_only) state.add("network-only", "yes");
  for (const Bind& bind : spec.node.binds) {
    state.add("bind-source", bind.source);
    state.add("bind-target", bind.target);
    state.add("bind-read-only", bind.read_only ? "yes" : "no");
  }
  for (const NodeFile& file : spec.node.files) {
    state.add("file-path", file.path);
    state.add("file-content", file.content);
  }
  for (const std::string& procs : spec.cgroup_procs) state.add("cgroup-procs", procs);
  return state;
}

Result<InitSpec> init_spec_from(const StateFile& state) {
  InitSpec spec;
  spec.node.name = state.get("name");
  spec.directory = state.get("directory");
  spec.address = state.get("address");
  spec.network_only = state.get("network-only") == "yes";
  spec.cgroup_procs = state.all("cgroup-procs");
  const auto sources = state.all("bind-source");
  const auto targets = state.all("bind-target");
  const auto read_only = state.all("bind-read-only");
  const auto paths = state.all("file-path");
  const auto contents = state.all("file-content");
  const bool whole = sources.size() == targets.size() && sources.size() == read_only.size() &&
                     paths.size() == contents.size() && !spec.node.name.empty() &&
                     !spec.directory.empty();
  if (!whole) return fail(Reason::kCorrupt, "the description of the node is incomplete");
  for (std::size_t i = 0; i < sources.size(); ++i) {
    spec.node.binds.push_back({sources[i], targets[i], read_only[i] == "yes"});
  }
  for (std::size_t i = 0; i < paths.size(); ++i) spec.node.files.push_back({paths[i], contents[i]});
  return spec;
}

}  // namespace kpp::lab
