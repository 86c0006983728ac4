import hypothesis

hypothesis.settings.register_profile("textsieve", deadline=None)  # a shared machine pauses whenever it likes
hypothesis.settings.load_profile("textsieve")
