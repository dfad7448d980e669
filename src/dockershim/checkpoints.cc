#include "dockershim/checkpoints.h"

#include <unistd.h>
#include <zlib.h>

#include <cerrno>

#include "base/fs.h"
#include "codec/json.h"

namespace kpp::dockershim {
namespace {

constexpr std::string_view kProtocols[] = {"tcp", "udp", "sctp"};

std::int64_t checksum_of(std::string_view data) {
  return static_cast<std::int64_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size())));
}

json::Array to_json(const std::vector<cri::PortMapping>& mappings) {
  json::Array out;
  for (const cri::PortMapping& mapping : mappings) {
    // Others are ports that the container listens on and nothing is to be done for.
    if (mapping.host_port <= 0) continue;
    const auto protocol = static_cast<std::size_t>(mapping.protocol);
    json::Object entry{{"hostPort", mapping.host_port},
                       {"containerPort", mapping.container_port},
                       {"protocol", kProtocols[protocol < 3 ? protocol : 0]}};
    if (!mapping.host_ip.empty()) entry["hostIP"] = mapping.host_ip;
    out.emplace_back(std::move(entry));
  }
  return out;
}

std::vector<cri::PortMapping> from_json(const json::Value& array) {
  std::vector<cri::PortMapping> out;
  if (!array.is_array()) return out;
  for (const json::Value& item : array.as_array()) {
    cri::PortMapping& mapping = out.emplace_back();
    mapping.host_port = static_cast<std::int32_t>(json::int_at(item, "hostPort"));
    mapping.container_port = static_cast<std::int32_t>(json::int_at(item, "containerPort"));
    mapping.host_ip = json::text_at(item, "hostIP");
    const std::string_view protocol = json::text_at(item, "protocol");
    mapping.protocol = protocol == "udp" ? cri::UDP : protocol == "sctp" ? cri::SCTP : cri::TCP;
  }
  return out;
}

bool is_true(const json::Value& value, std::string_view path) {
  const json::Value* found = json::find(value, path);
  return found != nullptr && found->is_bool() && found->as_bool();
}

// Ids are Docker's: hexadecimal.
bool is_id(std::string_view id) {
  return !id.empty() && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string write_port_mappings(const std::vector<cri::PortMapping>& mappings) {
  return json::write(to_json(mappings));
}

std::vector<cri::PortMapping> parse_port_mappings(std::string_view text) {
  const auto value = json::parse(text);
  return value ? from_json(*value) : std::vector<cri::PortMapping>();
}

std::string write_checkpoint(const Checkpoint& checkpoint) {
  json::Object data{
      {"name", checkpoint.name},         {"namespace", checkpoint.pod_namespace},
      {"uid", checkpoint.uid},           {"hostNetwork", checkpoint.host_network},
      {"complete", checkpoint.complete}, {"portMappings", to_json(checkpoint.port_mappings)}};
  const std::int64_t checksum = checksum_of(json::write(data));
  return json::write(
      json::Object{{"version", "v1"}, {"data", std::move(data)}, {"checksum", checksum}});
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  KPP_ASSIGN(const json::Value value, json::parse(text));
  const json::Value* data = json::find(value, "data");
  if (json::text_at(value, "version") != "v1" || data == nullptr || !data->is_object())
    return fail(Reason::kCorrupt, "no checkpoint of version v1");
  if (json::int_at(value, "checksum", -1) != checksum_of(json::write(*data)))
    return fail(Reason::kCorrupt, "checkpoint is corrupted");
  Checkpoint out;
  out.name = json::text_at(*data, "name");
  out.pod_namespace = json::text_at(*data, "namespace");
  out.uid = json::text_at(*data, "uid");
  out.host_network = is_true(*data, "hostNetwork");
  out.complete = is_true(*data, "complete");
  if (const json::Value* ports = json::find(*data, "portMappings"))
    out.port_mappings = from_json(*ports);
  return out;
}

std::string Checkpoints::path_of(const std::string& id) const { return cat(directory_, "/", id); }

Status Checkpoints::save(const std::string& id, const Checkpoint& checkpoint) const {
  KPP_RETURN_IF_ERROR(fs::make_directories(directory_, 0700));
  return fs::write_file_atomic(path_of(id), write_checkpoint(checkpoint), 0600);
}

Status Checkpoints::remove(const std::string& id) const {
  if (::unlink(path_of(id).c_str()) != 0 && errno != ENOENT)
    return errno_status(cat("removing ", path_of(id)), errno);
  return {};
}

Result<Checkpoint> Checkpoints::load(const std::string& id) const {
  KPP_ASSIGN(const std::string text, fs::read_file(path_of(id), 1u << 20));
  return parse_checkpoint(text);
}

std::map<std::string, Checkpoint> Checkpoints::all() const {
  std::map<std::string, Checkpoint> out;
  for (const std::string& id : fs::list(directory_).value_or(std::vector<std::string>())) {
    if (!is_id(id)) continue;
    auto checkpoint = load(id);
    if (checkpoint) {
      out.emplace(id, std::move(*checkpoint));
    } else if (!checkpoint.error().is(Reason::kNotFound)) {
      (void)remove(id);
    }
  }
  return out;
}

}  // namespace kpp::dockershim
