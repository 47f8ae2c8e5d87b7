"""storewatch (巡店): rules over store facts, alerts with a life, messages that arrive."""
