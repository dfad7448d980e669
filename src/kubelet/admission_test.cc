#include "kubelet/admission.h"

#include <gtest/gtest.h>

namespace kpp::kubelet {
namespace {

corev1::Pod with_sysctl(const std::string& name) {
  corev1::Pod out;
  out.spec.security_context.emplace().sysctls.emplace_back().name = name;
  return out;
}

std::string refusal(const corev1::Pod& pod, const NodeFacts& node = {}) {
  const auto why = refusal_of(pod, {}, node, {});
  return why ? cat(why->reason, ": ", why->message) : "";
}

TEST(Admission, UnsafeSysctlsAreTakenWhereTheNodeAllowsThem) {
  EXPECT_EQ(refusal(with_sysctl("kernel.msgmax")),
            "SysctlForbidden: forbidden sysctl: \"kernel.msgmax\" not allowlisted");
  NodeFacts node;
  node.allowed_unsafe_sysctls = {"kernel.msg*"};
  EXPECT_EQ(refusal(with_sysctl("kernel.msgmax"), node), "");
  EXPECT_EQ(refusal(with_sysctl("kernel/msgmax"), node), "");
}

TEST(Admission, SysctlsOfANamespaceThatIsTheHostsAreRefused) {
  corev1::Pod pod = with_sysctl("net.ipv4.tcp_syncookies");
  EXPECT_EQ(refusal(pod), "");
  pod.spec.host_network = true;
  EXPECT_EQ(refusal(pod),
            "SysctlForbidden: forbidden sysctl: \"net.ipv4.tcp_syncookies\" not allowed with host "
            "net enabled");
}

}  // namespace
}  // namespace kpp::kubelet
