from ops.settings_table import README, with_table


def test_the_settings_table_is_that_of_the_class() -> None:
    readme = README.read_text()
    assert with_table(readme) == readme, "run: python -m ops.settings_table"
