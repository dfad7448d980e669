// The table of strategies and the pieces that they share.
#pragma once

#include <unordered_map>

#include "apiserver/registry/strategy.h"

namespace kpp::apiserver {

std::unordered_map<const api::TypeDesc*, Strategy> all_strategies();

void clear_status_on_create(api::Object& object, const StrategyContext&);
void start_generation_on_create(api::Object& object, const StrategyContext&);
void keep_status_on_update(api::Object& object, const api::Object& old, const StrategyContext&);
void raise_generation_on_update(api::Object& object, const api::Object& old,
                                const StrategyContext&);
void only_status_on_update(api::Object& object, const api::Object& old, const StrategyContext&);
void keep_nothing_on_update(api::Object& object, const api::Object& old, const StrategyContext&);

Strategy pod_strategy();
Strategy service_strategy();
Strategy namespace_strategy();

}  // namespace kpp::apiserver
