#include "apiserver/admission/plugin_selection.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kpp::apiserver {
namespace {

bool has(const std::vector<Plugin>& plugins, std::string_view name) {
  return std::any_of(plugins.begin(), plugins.end(),
                     [&](const Plugin& plugin) { return plugin.name == name; });
}

Result<std::vector<Plugin>> select(std::vector<std::string> enable,
                                   std::vector<std::string> disable = {}) {
  return select_plugins(enable, disable);
}

TEST(AdmissionPlugins, NodeRestrictionRunsWhenItIsAskedFor) {
  EXPECT_FALSE(has(default_plugins(), "NodeRestriction"));
  EXPECT_TRUE(has(default_plugins(), "ServiceAccount"));
  const auto with = select({"NodeRestriction"});
  ASSERT_TRUE(with);
  EXPECT_TRUE(has(*with, "NodeRestriction"));
  EXPECT_TRUE(has(*with, "ServiceAccount"));
}

TEST(AdmissionPlugins, OneThatIsLeftOutDoesNotRun) {
  const auto without = select({}, {"ServiceAccount"});
  ASSERT_TRUE(without);
  EXPECT_FALSE(has(*without, "ServiceAccount"));
  EXPECT_TRUE(has(*without, "RBACEscalation"));
  for (const char* policies : {"MutatingAdmissionPolicy", "ValidatingAdmissionPolicy"}) {
    EXPECT_TRUE(has(default_plugins(), policies));
    const auto others = select({}, {policies});
    ASSERT_TRUE(others);
    EXPECT_FALSE(has(*others, policies));
  }
}

TEST(AdmissionPlugins, OneThatIsNotHereIsRefusedByName) {
  EXPECT_EQ(select({"AlwaysPullImages"}).error().message(),
            "enable-admission-plugins plugin \"AlwaysPullImages\" is not supported by this server");
  EXPECT_EQ(select({"Nonsense"}).error().message(),
            "enable-admission-plugins plugin \"Nonsense\" is unknown");
  EXPECT_EQ(select({}, {"Nonsense"}).error().message(),
            "disable-admission-plugins plugin \"Nonsense\" is unknown");
  EXPECT_EQ(select({"Priority"}, {"Priority"}).error().message(),
            "[Priority] in enable-admission-plugins and disable-admission-plugins overlapped");
}

}  // namespace
}  // namespace kpp::apiserver
