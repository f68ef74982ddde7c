package dispatch_test

const victimEnv = "CRIEUR_TEST_VICTIM"

func victim() {}
