#include "network/rule_table.h"

namespace kpp::network {

async::Task<Status> RuleTable::apply(Ruleset wanted) {
  std::string text = standing_ ? table_changes(*standing_, wanted) : whole_table(wanted);
  if (text.empty()) co_return Status();
  standing_.reset();
  std::vector<std::string> nft{"nft", "-f", "-"};
  auto done = co_await commands_.run(std::move(nft), std::move(text));
  if (!done) co_return std::move(done).error();
  standing_ = std::move(wanted);
  co_return Status();
}

}  // namespace kpp::network
