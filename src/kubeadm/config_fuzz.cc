#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kubeadm/cluster_info.h"
#include "kubeadm/config.h"
#include "kubeadm/kubelet_start.h"
#include "kubeadm/preflight.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> warnings;
  kpp::kubeadm::InitConfig init;
  if (kpp::kubeadm::read_init_config(text, init, warnings).ok()) {
    (void)kpp::kubeadm::validate(init);
  }
  kpp::kubeadm::JoinConfig join;
  if (kpp::kubeadm::read_join_config(text, join, warnings).ok()) {
    (void)kpp::kubeadm::validate(join);
  }
  kpp::kubeadm::ResetConfig reset;
  (void)kpp::kubeadm::read_reset_config(text, reset, warnings);
  (void)kpp::kubeadm::check_config(text, warnings);
  (void)kpp::kubeadm::migrate_config(text, warnings);
  (void)kpp::kubeadm::verify_detached(text, "payload", "abcdef.0123456789abcdef");
  (void)kpp::kubeadm::read_flags_file(text);
  (void)kpp::kubeadm::listening_ports(text);
  return 0;
}
