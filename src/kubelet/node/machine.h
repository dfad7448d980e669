// What the machine says about itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kpp::kubelet {

struct Machine {
  int cpus = 1;
  std::int64_t memory_bytes = 0;
  std::int64_t swap_bytes = 0;
  std::int64_t disk_bytes = 0;  // of the file system that holds the kubelet's directory
  struct Hugepages {
    std::int64_t size_kib = 0;
    std::int64_t count = 0;
  };
  std::vector<Hugepages> hugepages;
  std::string machine_id, system_uuid, boot_id;
  std::string kernel_version, os_image;
  std::string architecture;  // amd64, arm64
};

// Reads /proc, /sys and /etc. What is missing stays empty. Blocks.
Machine read_machine(const std::string& root_dir);

// The address that others reach this machine by: what its name stands for, else what the default
// route starts from. Empty if there is none. Blocks.
std::string default_node_address(const std::string& host_name);

}  // namespace kpp::kubelet
