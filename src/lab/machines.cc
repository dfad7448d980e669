#include "lab/machines.h"

#include <algorithm>
#include <charconv>

#include "base/fs.h"
#include "base/ids.h"
#include "lab/containerd.h"
#include "linux/links.h"

namespace kpp::lab {
namespace {

// Programs that a machine finds on its PATH; all are the one binary.
constexpr std::string_view kPrograms[] = {"kpp", "kubeadm", "kubelet"};
// Where runtime, store and pods keep files that cannot lie on the node's overlay.
constexpr std::string_view kOnDisk[] = {"/var/lib/etcd", "/var/lib/kpp", "/var/lib/kubelet",
                                        "/var/log/pods"};

std::string default_address(std::size_t index) {
  static constexpr int kFirst[] = {12, 8};
  if (index < 2) return cat("192.168.1.", kFirst[index]);
  return cat("192.168.1.", 18 + index);
}

// A number of machines that an address is left for.
bool is_count(std::string_view text, std::size_t& count) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc() && end == text.data() + text.size() && count >= 1 && count <= 100;
}

// Every machine resolves the names of all.
std::string hosts_file(const std::vector<Machine>& machines) {
  std::string out = "127.0.0.1\tlocalhost\n";
  for (const Machine& machine : machines) out += cat(machine.address, "\t", machine.name, "\n");
  return out;
}

std::string machine_id() {
  std::string id = new_uuid();
  std::erase(id, '-');
  return id;
}

std::string containerd_directory(const Lab& lab, const std::string& machine) {
  return cat(lab.directory(), "/.disks/", machine, "/containerd");
}

Result<NodeSpec> spec_of(const Lab& lab, const MachinesOptions& options, const Machine& machine) {
  NodeSpec spec;
  spec.name = machine.name;
  spec.address = machine.address;
  spec.files = {{"/etc/hosts", hosts_file(options.machines)},
                {"/etc/machine-id", cat(machine_id(), "\n")}};
  for (const std::string_view program : kPrograms) {
    spec.binds.push_back({options.program, cat("/usr/local/bin/", program), true});
  }
  const std::string disk = cat(lab.directory(), "/.disks/", machine.name);
  for (const std::string_view directory : kOnDisk) {
    const std::string source = cat(disk, directory);
    KPP_RETURN_IF_ERROR(fs::make_directories(source));
    spec.binds.push_back({source, std::string(directory), false});
  }
  const std::string containerd = containerd_directory(lab, machine.name);
  KPP_RETURN_IF_ERROR(fs::make_directories(containerd));
  spec.binds.push_back({containerd, containerd, false});
  const std::string shared = cat(lab.directory(), "/.shared");
  KPP_RETURN_IF_ERROR(fs::make_directories(shared));
  spec.binds.push_back({shared, std::string(kSharedDirectory), false});
  return spec;
}

Status make_machine(Lab& lab, const MachinesOptions& options, const Machine& machine) {
  KPP_ASSIGN(const NodeSpec spec, spec_of(lab, options, machine));
  KPP_ASSIGN(const Node node, lab.create_node(spec));
  ContainerdOptions containerd;
  containerd.data_directory = containerd_directory(lab, machine.name);
  containerd.cni_directory = "/etc/cni/net.d";
  KPP_RETURN_IF_ERROR(start_containerd(node, containerd));
  if (options.runtime == Runtime::kDocker) {
    DockerOptions docker;
    docker.data_directory = cat(containerd.data_directory, "/docker");
    docker.program = "/usr/local/bin/kpp";
    docker.cni_directory = containerd.cni_directory;
    KPP_RETURN_IF_ERROR(start_docker(node, docker));
  }
  return load_pause_image(node, containerd);
}

}  // namespace

Result<std::vector<Machine>> parse_machines(std::string_view text) {
  std::vector<Machine> out;
  if (std::size_t count = 0; is_count(text, count)) {
    for (std::size_t i = 0; i < count; ++i) out.push_back({cat("node", i + 1), default_address(i)});
    return out;
  }
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view word = text.substr(0, comma);
    const std::size_t equals = word.find('=');
    Machine machine{std::string(word.substr(0, equals)), default_address(out.size())};
    KPP_RETURN_IF_ERROR(check_name("machine", machine.name));
    if (equals != std::string_view::npos) {
      machine.address = word.substr(equals + 1);
      if (!sys::parse_ipv4_network(machine.address) || machine.address.contains('/')) {
        return fail(Reason::kInvalid, cat(quoted(machine.address), " is no address"));
      }
    }
    for (const Machine& other : out) {
      if (other.name == machine.name || other.address == machine.address) {
        return fail(
            Reason::kInvalid,
            cat("two machines are ", other.name == machine.name ? machine.name : machine.address));
      }
    }
    out.push_back(std::move(machine));
    if (comma == text.size()) return out;
    text.remove_prefix(comma + 1);
  }
}

Status make_machines(MachinesOptions options, const std::function<void(const std::string&)>& done) {
  options.lab.network = kMachineNetwork;
  KPP_ASSIGN(Lab lab, Lab::open(options.lab));
  KPP_RETURN_IF_ERROR(lab.remove());
  for (const Machine& machine : options.machines) {
    if (Status made = make_machine(lab, options, machine); !made.ok()) {
      (void)lab.remove();
      return std::move(made).with_context(machine.name);
    }
    done(cat("machine ", machine.name, " at ", machine.address));
  }
  return {};
}

}  // namespace kpp::lab
