#include "kubeadm/machine_identity.h"

#include <algorithm>

#include "base/fs.h"
#include "kubeadm/bootstrap_objects.h"

namespace kpp::kubeadm {
namespace {

constexpr std::string_view kEthernet = "1";  // ARPHRD_ETHER
constexpr std::string_view kNoAddress = "00:00:00:00:00:00";

std::string first_line(const std::string& path) {
  std::string text = fs::read_file(path, 4096).value_or("");
  text.resize(std::min(text.find('\n'), text.size()));
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string machine_id(const std::string& root) {
  std::string uuid = first_line(cat(root, "/sys/class/dmi/id/product_uuid"));
  return uuid.empty() ? first_line(cat(root, "/etc/machine-id")) : uuid;
}

}  // namespace

std::string MachineIdentity::text() const {
  std::string out = product_uuid;
  for (const std::string& mac : mac_addresses) out += cat(" ", mac);
  return out;
}

MachineIdentity MachineIdentity::parse(std::string_view text) {
  MachineIdentity out;
  const std::size_t end = std::min(text.find(' '), text.size());
  out.product_uuid = text.substr(0, end);
  text.remove_prefix(end);
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::size_t space = std::min(text.find(' '), text.size());
    if (space > 0) out.mac_addresses.emplace_back(text.substr(0, space));
    text.remove_prefix(space);
  }
  return out;
}

MachineIdentity read_identity(const std::string& root) {
  MachineIdentity out;
  out.product_uuid = machine_id(root);
  const std::string links = cat(root, "/sys/class/net");
  for (const std::string& name : fs::list(links).value_or(std::vector<std::string>())) {
    const std::string link = cat(links, "/", name);
    const bool virtual_link = fs::exists(cat(link, "/bridge")) || fs::exists(cat(link, "/brport"));
    std::string address = first_line(cat(link, "/address"));
    if (virtual_link || first_line(cat(link, "/type")) != kEthernet || address.empty() ||
        address == kNoAddress) {
      continue;
    }
    out.mac_addresses.push_back(std::move(address));
  }
  std::ranges::sort(out.mac_addresses);
  return out;
}

std::vector<Finding> compare(const MachineIdentity& machine, std::string_view other_node,
                             const MachineIdentity& other) {
  std::vector<Finding> out;
  if (!machine.product_uuid.empty() && machine.product_uuid == other.product_uuid) {
    out.push_back(
        {"ProductUUID",
         cat("this machine's product_uuid ", machine.product_uuid, " is node ", quoted(other_node),
             "'s too: one is a clone of the other; give this one its own in the hypervisor, or, "
             "where the firmware has none: rm /etc/machine-id && systemd-machine-id-setup")});
  }
  for (const std::string& mac : machine.mac_addresses) {
    if (std::ranges::find(other.mac_addresses, mac) == other.mac_addresses.end()) continue;
    out.push_back(
        {"MACAddress", cat("this machine's MAC address ", mac, " is node ", quoted(other_node),
                           "'s too; give this one its own: ip link set dev LINK address ADDRESS")});
  }
  return out;
}

std::vector<json::Object> machines_objects(std::string_view node, const MachineIdentity& machine) {
  return shared_map(kMachinesMap, node, machine.text(), "kubeadm:machines", {"get", "patch"});
}

json::Object machine_patch(std::string_view node, const MachineIdentity& machine) {
  return {{"data", json::Object{{node, machine.text()}}}};
}

}  // namespace kpp::kubeadm
